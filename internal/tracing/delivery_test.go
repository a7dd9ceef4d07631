package tracing

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func record(t *testing.T) (trace.Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	otel.SetTextMapPropagator(propagation.TraceContext{})
	recorder := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer(t.Name()), recorder
}

// delivered returns a Workspace with a delivery of that age.
func delivered(t *testing.T, age time.Duration) *v1alpha1.Workspace {
	t.Helper()
	w := workspace.New("traced")
	e := workspace.Event{Type: workspace.EventCreated, Data: workspace.Data{WorkspaceID: "traced", Version: 1, Name: "Traced"}}
	if _, err := workspace.Record(w, e, workspace.NewDelivery("msg_1", nil, time.Now().Add(-age))); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestInject_ReplacesTheTraceOfAnEarlierDelivery(t *testing.T) {
	tracer, _ := record(t)
	w := delivered(t, 0)
	for range 2 {
		ctx, span := tracer.Start(context.Background(), "delivery")
		Inject(ctx, w)
		if got, want := Extract(ctx, w), span.SpanContext(); got.TraceID() != want.TraceID() || got.SpanID() != want.SpanID() || !got.IsRemote() {
			t.Errorf("extracted %v of %v", got, want)
		}
	}
	Inject(context.Background(), w)
	ctx, span := tracer.Start(context.Background(), "reconcile")
	defer span.End()
	if value, found := w.Annotations[v1alpha1.AnnotationTraceparent]; found || Extract(ctx, w).IsValid() {
		t.Errorf("a delivery without a trace has that of an earlier one: %q", value)
	}
}

func TestStartSpan_JoinsOrLinks(t *testing.T) {
	for name, tt := range map[string]struct {
		age          time.Duration
		traced, join bool
		joins, links bool
	}{
		"what the delivery caused": {age: time.Second, traced: true, join: true, joins: true},
		"a repair":                 {age: time.Second, traced: true, links: true},
		"what it caused, after more than an hour": {age: 2 * time.Hour, traced: true, join: true, links: true},
		"without a trace":                         {age: time.Second, join: true},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, recorder := record(t)
			w := delivered(t, tt.age)
			ctx, delivery := tracer.Start(context.Background(), "delivery")
			if tt.traced {
				Inject(ctx, w)
			}
			_, span := StartSpan(context.Background(), tracer, "Reconcile", w, tt.join)
			End(span, errors.New("refused"))
			got := recorder.Ended()[0]
			if joins := got.Parent().SpanID() == delivery.SpanContext().SpanID(); joins != tt.joins {
				t.Errorf("joins the trace: %v", joins)
			}
			if links := len(got.Links()) == 1 && got.Links()[0].SpanContext.SpanID() == delivery.SpanContext().SpanID(); links != tt.links {
				t.Errorf("links to the trace: %v", links)
			}
			if got.Status().Code != codes.Error {
				t.Errorf("the status is %v", got.Status())
			}
		})
	}
}
