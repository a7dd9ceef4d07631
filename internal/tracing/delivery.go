package tracing

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	// maxTraceAge is how long after a delivery spans still join its trace. A workspace that waits for a person is reconciled for weeks.
	maxTraceAge = time.Hour
	// maxError bounds the text of an error, in bytes.
	maxError = 1024
)

// traceparent is the field of the trace context of W3C that is kept, without the sender's tracestate.
const traceparent = "traceparent"

// Inject writes the trace context of ctx to the Workspace, in place of the one of an earlier delivery.
func Inject(ctx context.Context, w *v1alpha1.Workspace) {
	carrier := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, carrier)
	if carrier[traceparent] == "" {
		delete(w.Annotations, v1alpha1.AnnotationTraceparent)
		return
	}
	if w.Annotations == nil {
		w.Annotations = map[string]string{}
	}
	w.Annotations[v1alpha1.AnnotationTraceparent] = carrier[traceparent]
}

// Extract returns the trace context that Inject wrote, which is not valid if there is none.
func Extract(ctx context.Context, w *v1alpha1.Workspace) trace.SpanContext {
	carrier := propagation.MapCarrier{traceparent: w.Annotations[v1alpha1.AnnotationTraceparent]}
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{}) // without a carrier, the propagator would leave the caller's
	return trace.SpanContextFromContext(otel.GetTextMapPropagator().Extract(ctx, carrier))
}

// StartSpan begins a span of the work on a Workspace. With join, it belongs to the trace of the newest delivery, if that is at most an hour
// old. Otherwise it begins a trace that links to it.
func StartSpan(
	ctx context.Context, t trace.Tracer, name string, w *v1alpha1.Workspace, join bool, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	options = append(options, trace.WithAttributes(attribute.String("workspace", w.Name)))
	delivery := Extract(ctx, w)
	switch {
	case !delivery.IsValid():
	case join && isRecent(w):
		ctx = trace.ContextWithRemoteSpanContext(ctx, delivery)
	default:
		options = append(options, trace.WithLinks(trace.Link{SpanContext: delivery}))
	}
	return t.Start(ctx, name, options...)
}

// isRecent reports whether the newest delivery is at most maxTraceAge old.
func isRecent(w *v1alpha1.Workspace) bool {
	newest := workspace.Deliveries(w)
	return len(newest) > 0 && time.Since(newest[0].Received) < maxTraceAge
}

// StartChild begins a span if ctx has one, and none otherwise: what nobody asked for in a trace, as a resync, begins none.
func StartChild(ctx context.Context, t trace.Tracer, name string) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, trace.SpanFromContext(ctx)
	}
	return t.Start(ctx, name)
}

// IsTraced reports whether a request belongs to a trace. Watches, leases, listings and probes don't.
func IsTraced(r *http.Request) bool { return trace.SpanContextFromContext(r.Context()).IsValid() }

// End ends a span. It failed if err is not nil.
func End(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, printable.Text(err.Error(), maxError))
	}
	span.End()
}
