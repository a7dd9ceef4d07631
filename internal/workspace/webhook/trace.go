package webhook

import (
	"context"
	"strings"

	"github.com/labstack/echo/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceSigned begins the span of a signed request, whose parent is the sender's span.
func (a *attempt) traceSigned(c *echo.Context) {
	a.startSpan(remoteContext(c), c)
}

// traceUnsigned begins the span of a request without a valid signature. It is only linked to the span that the request names: a stranger
// must not choose the trace, nor whether it is sampled. All of these requests together have few spans, so that they can't fill the
// exporter's queue.
func (h *Handler) traceUnsigned(a *attempt, c *echo.Context) {
	if !h.unsignedSpans.AllowN(h.Now(), 1) {
		return
	}
	a.startSpan(c.Request().Context(), c, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(remoteContext(c))))
}

// remoteContext has the span that the request names, without the tracestate: that may be as long as all headers together.
func remoteContext(c *echo.Context) context.Context {
	r := c.Request()
	named := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return trace.ContextWithRemoteSpanContext(r.Context(), trace.SpanContextFromContext(named).WithTraceState(trace.TraceState{}))
}

// startSpan begins a span as of the receipt of the request.
func (a *attempt) startSpan(parent context.Context, c *echo.Context, options ...trace.SpanStartOption) {
	const scope = "platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
	request := c.Request()
	options = append(options, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(a.received), trace.WithAttributes(
		attribute.String("http.request.method", request.Method), attribute.String("http.route", c.Path())))
	ctx, span := otel.Tracer(scope).Start(parent, request.Method+" "+c.Path(), options...)
	a.span = span
	c.SetRequest(request.WithContext(ctx))
	if started := span.SpanContext(); started.IsValid() {
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
