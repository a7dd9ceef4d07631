package main

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"platform.company.com/workspace-flyte-integration/internal/tracing"
)

// lastExport is how long the last spans of the process may take to be exported.
const lastExport = 3 * time.Second

// tracing reports whether the environment names an exporter. Without one, nothing is dialled: OpenTelemetry's default is localhost.
func (c *config) tracing() bool {
	return !c.OTelDisabled && c.OTelExporter != "none" && (c.OTelExporter != "" || c.OTelEndpoint != "" || c.OTelTracesEndpoint != "")
}

// checkTracing checks what OpenTelemetry's SDK would report only when it runs.
func (c *config) checkTracing(found problems) {
	const grpcProtocol, httpProtocol = "grpc", "http/protobuf"
	checkOptional(found, "OTEL_TRACES_EXPORTER", c.OTelExporter, "otlp", "console", "none")
	checkOptional(found, "OTEL_EXPORTER_OTLP_PROTOCOL", c.OTelProtocol, grpcProtocol, httpProtocol)
	checkOptional(found, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", c.OTelTracesProtocol, grpcProtocol, httpProtocol)
	checkOptional(found, "OTEL_TRACES_SAMPLER", c.OTelSampler, "always_on", "always_off", "traceidratio",
		"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio")
	for variable, endpoint := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.OTelEndpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.OTelTracesEndpoint,
	} {
		if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			found.add(variable, "is not a URL such as http://collector.observability.svc:4318")
		}
	}
}

// addTracing traces requests to the API server from now on, where OTEL_* names an exporter.
func (s *service) addTracing(ctx context.Context) (err error) {
	if !s.cfg.tracing() {
		return nil
	}
	s.stopTracing, err = tracing.Start(ctx, tracing.Service{Name: name, Version: version, Instance: identity(s.cfg)}, s.log)
	if err != nil {
		return err
	}
	s.cfg.rest.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, otelhttp.WithFilter(tracing.IsTraced), otelhttp.WithSpanNameFormatter(requestName))
	})
	s.flyteOptions = []grpc.DialOption{grpc.WithStatsHandler(tracedCalls{otelgrpc.NewClientHandler()})}
	return nil
}

// exportLastSpans ends tracing with the process.
func (s *service) exportLastSpans(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastExport)
	defer cancel()
	if err := s.stopTracing(ctx); err != nil {
		s.log.Error(err, "exporting the last spans")
	}
}

// tracedCalls handles the calls of Flyte that belong to a trace.
type tracedCalls struct{ stats.Handler }

// TagRPC implements stats.Handler.
func (t tracedCalls) TagRPC(ctx context.Context, call *stats.RPCTagInfo) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return t.Handler.TagRPC(ctx, call)
}

// HandleRPC implements stats.Handler.
func (t tracedCalls) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if trace.SpanContextFromContext(ctx).IsValid() {
		t.Handler.HandleRPC(ctx, s)
	}
}

// apiPath matches resource and subresource in the path of a request to the API server.
var apiPath = regexp.MustCompile(`/(?:api/v1|apis/[^/]+/[^/]+)/(?:namespaces/[^/]+/)?([^/]+)(?:/[^/]+(/.+)?)?$`)

// requestName names the span of a request to the API server by verb and resource: "PATCH workspaces/status". Its URL has the object.
func requestName(_ string, r *http.Request) string {
	if parts := apiPath.FindStringSubmatch(r.URL.Path); parts != nil {
		return r.Method + " " + parts[1] + parts[2]
	}
	return r.Method
}
