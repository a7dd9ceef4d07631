package workspaceservice

import (
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"platform.company.com/workspace-flyte-integration/internal/tracing"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func TestReporter_ReportsInTheTraceOfTheDelivery(t *testing.T) {
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
	})
	var got string
	r := &Reporter{Options: Options{Client: serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Traceparent")
		w.WriteHeader(http.StatusNoContent)
	})}}
	w := workspace.New("ws-1")
	event := workspace.Event{Type: workspace.EventCreated, Data: workspace.Data{WorkspaceID: "ws-1", Version: 1, Name: "Traced"}}
	_, err := workspace.Record(w, event, workspace.NewDelivery("msg_1", nil, time.Now()))
	must(t, err)
	ctx, delivery := otel.Tracer(t.Name()).Start(t.Context(), "delivery")
	tracing.Inject(ctx, w)
	m := aMessage
	m.workspace = w
	must(t, r.post(t.Context(), m))
	reported := propagation.TraceContext{}.Extract(t.Context(), propagation.HeaderCarrier{"Traceparent": {got}})
	if id := trace.SpanContextFromContext(reported).TraceID(); id != delivery.SpanContext().TraceID() {
		t.Errorf("reported as %q, in the trace %s, want %s", got, id, delivery.SpanContext().TraceID())
	}
}
