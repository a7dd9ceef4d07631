package webhook

import (
	"strings"

	"github.com/labstack/echo/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// startSpan begins the span of a request, from its receipt on, when its signature was checked and its rate limit allows it: no flood of
// requests fills the exporter's queue. The span of a signing sender is its parent.
// To that of anybody else it is only linked: a stranger must not choose the trace, nor whether it is sampled.
func (a *attempt) startSpan(c *echo.Context, signed bool) {
	const scope = "platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
	request := c.Request()
	ctx := otel.GetTextMapPropagator().Extract(request.Context(), propagation.HeaderCarrier(request.Header))
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(a.received),
		trace.WithAttributes(attribute.String("http.request.method", request.Method), attribute.String("http.route", c.Path())),
	}
	if !signed {
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)))
	}
	ctx, a.span = otel.Tracer(scope).Start(ctx, request.Method+" "+c.Path(), options...)
	c.SetRequest(request.WithContext(ctx))
	if started := a.span.SpanContext(); started.IsValid() {
		c.SetLogger(c.Logger().With("traceID", started.TraceID().String()))
	}
}

// endSpan ends the span with what is known of the request. Only faults of ours are errors of a server's span.
func (a *attempt) endSpan() {
	a.span.SetAttributes(attribute.String("delivery", a.delivery), attribute.String("event", a.event),
		attribute.String("workspace", a.workspace), attribute.String("outcome", a.outcome))
	if strings.HasPrefix(a.outcome, "5") {
		a.span.SetStatus(codes.Error, a.outcome)
	}
	a.span.End()
}
