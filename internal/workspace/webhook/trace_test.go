package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
)

const (
	senderTrace = "0af7651916cd43dd8448eb211c80319c"
	senderSpan  = "b7ad6b7169203331"

	strangersSecret = "whsec_" + "c3RyYW5nZXJzLXNlY3JldC1vZi1hLXRlc3Qtb25seQ=="
)

// recorder records the spans of this process until the test ends.
func recorder(t *testing.T) *tracetest.SpanRecorder {
	t.Helper()
	r := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
	})
	return r
}

func TestHandler_TracesWhatIsSignedInTheSendersTrace(t *testing.T) {
	for name, tt := range map[string]struct {
		secret         string
		parent, linked bool
		outcome        string
	}{
		"signed":   {secret, true, false, "accepted"},
		"unsigned": {strangersSecret, false, true, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			spans, e := recorder(t), newEdge(t)
			before := len(spans.Ended())
			e.post(t, hooks, "msg_1", sample, func(r *http.Request) {
				r.Header = sign(t, tt.secret, "msg_1", now, sample)
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Tracestate", "vendor="+strings.Repeat("x", 200))
				r.Header.Set("Traceparent", "00-"+senderTrace+"-"+senderSpan+"-01")
			})
			ended := spans.Ended()[before:]
			if len(ended) != 1 {
				t.Fatalf("%d spans have ended", len(ended))
			}
			span := ended[0]
			if got := span.Parent().SpanID().String() == senderSpan; got != tt.parent {
				t.Errorf("a child of the sender's span: %v", got)
			}
			if got := len(span.Links()) == 1 && span.Links()[0].SpanContext.SpanID().String() == senderSpan; got != tt.linked {
				t.Errorf("linked to the sender's span: %v", got)
			}
			if span.Name() != "POST "+hooks || !hasOutcome(span, tt.outcome) {
				t.Errorf("the span is %q with %v", span.Name(), span.Attributes())
			}
			if span.SpanContext().TraceState().Len()+linkedState(span) != 0 {
				t.Error("the tracestate of the request was kept")
			}
		})
	}
}

// linkedState is how many entries of a tracestate the links have.
func linkedState(span sdktrace.ReadOnlySpan) (n int) {
	for _, l := range span.Links() {
		n += l.SpanContext.TraceState().Len()
	}
	return n
}

func hasOutcome(span sdktrace.ReadOnlySpan, outcome string) bool {
	for _, a := range span.Attributes() {
		if a.Key == "outcome" {
			return a.Value.AsString() == outcome
		}
	}
	return false
}

func TestHandler_TracesNothingAboveTheRateLimit(t *testing.T) {
	spans, e := recorder(t), newEdge(t)
	for range 1000 {
		before := len(spans.Ended())
		answer := e.post(t, hooks, "msg_1", sample, func(r *http.Request) { r.Header = sign(t, strangersSecret, "msg_1", now, sample) })
		if answer.Status != http.StatusTooManyRequests {
			continue
		}
		if n := len(spans.Ended()) - before; n != 0 {
			t.Errorf("%d spans of a request above the rate limit", n)
		}
		return
	}
	t.Error("the rate limit has refused nothing")
}

func TestHandler_BoundsTheSpansOfUnsignedRequests(t *testing.T) {
	spans, e := recorder(t), newEdge(t, clockStandsStill)
	before := len(spans.Ended())
	for range 15 {
		e.post(t, hooks, "msg_1", sample, func(r *http.Request) { r.Header = sign(t, strangersSecret, "msg_1", now, sample) })
	}
	if n := len(spans.Ended()) - before; n != 10 {
		t.Errorf("%d spans of 15 unsigned requests at once, want 10", n)
	}
}
