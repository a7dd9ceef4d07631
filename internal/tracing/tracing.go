// Package tracing exports OpenTelemetry traces, and carries the trace of a delivery from the request that stores it to the Reconciles that
// make its workspace Ready. The two meet in the Workspace alone, so the trace context is an annotation, written with the spec.
package tracing

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Service describes the process that the spans are of. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override it.
type Service struct {
	Name, Version string
	// Instance is unique among the replicas.
	Instance string
}

// Start sets OpenTelemetry's global tracer provider and propagator as the variables OTEL_* of the environment say: exporter, sampler,
// batches, attributes. Call it only if they name an exporter, since OpenTelemetry's default is to dial one on localhost. Of a request's
// context it takes over the trace context of W3C alone, and no baggage. stop exports what is left.
func Start(ctx context.Context, s Service, log logr.Logger) (stop func(context.Context) error, err error) {
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the exporter of OTEL_TRACES_EXPORTER: %w", err)
	}
	process, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName(s.Name), semconv.ServiceVersion(s.Version), semconv.ServiceInstanceID(s.Instance)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetLogger(log)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Error(err, "OpenTelemetry failed, and spans may be lost; check OTEL_EXPORTER_OTLP_ENDPOINT")
	}))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(process))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return provider.Shutdown, nil
}
