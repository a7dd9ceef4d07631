package workspace

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// received is when the service received the deliveries.
var received = time.Date(2026, 11, 20, 8, 41, 0, 42_000_000, time.UTC)

func TestRecord_RecognisesARepeatedDelivery(t *testing.T) {
	var s store
	e := eventAt(EventCreated, 1)
	first, second := NewDelivery("msg_1", []byte("a"), received), NewDelivery("msg_2", []byte("a"), received)
	steps := []struct {
		name string
		d    Delivery
		e    Event
		want Outcome
		kind Kind
	}{
		{"new", first, e, OutcomeAccepted, 0},
		{"again", first, e, OutcomeDuplicate, 0},
		{"again, later", Delivery{first.ID, first.Hash, received.Add(time.Hour)}, e, OutcomeDuplicate, 0},
		{"another id", second, e, OutcomeStale, 0},
		{"newer", second, eventAt(EventUpdated, 2), OutcomeAccepted, 0},
		{"the first again", first, e, OutcomeDuplicate, 0},
		{"the first id with another body", NewDelivery("msg_1", []byte("b"), received), eventAt(EventUpdated, 3), OutcomeDuplicate, KindConflict},
	}
	for _, step := range steps {
		outcome, err := s.record(step.e, step.d)
		switch {
		case step.kind == 0 && (outcome != step.want || err != nil):
			t.Fatalf("%s: %v, %v", step.name, outcome, err)
		case step.kind != 0 && KindOf(err) != step.kind:
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	if diff := cmp.Diff(deliveries{second, first}, readAnnotation[deliveries](s.w, v1alpha1.AnnotationDeliveries)); diff != "" {
		t.Error(diff)
	}
}

func TestRecord_ForgetsThe33rdDelivery(t *testing.T) {
	var s store
	for version := range int64(33) {
		e := eventAt(EventUpdated, version+1)
		if outcome, err := s.record(e, deliveryOf(e)); outcome != OutcomeAccepted || err != nil {
			t.Fatal(outcome, err)
		}
	}
	for version, want := range map[int64]Outcome{1: OutcomeStale, 2: OutcomeDuplicate, 33: OutcomeDuplicate} {
		e := eventAt(EventUpdated, version)
		if outcome, err := s.record(e, deliveryOf(e)); outcome != want || err != nil {
			t.Errorf("version %d: %v, %v, want %v", version, outcome, err, want)
		}
	}
	if got := len(readAnnotation[deliveries](s.w, v1alpha1.AnnotationDeliveries)); got != 32 {
		t.Errorf("%d deliveries are kept", got)
	}
}

func TestRecord_IgnoresABrokenAnnotation(t *testing.T) {
	tooMany, err := json.Marshal(make([]Delivery, 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{``, `x`, `null`, `{}`, `[1]`, `[{"id":1}]`, `[null]`, `[{"id":"msg_9"`, string(tooMany)} {
		t.Run(fmt.Sprintf("%.20s", broken), func(t *testing.T) {
			w := stored(t, eventAt(EventCreated, 5))
			w.ResourceVersion = "1"
			w.Annotations[v1alpha1.AnnotationDeliveries] = broken
			w.Annotations["a"] = "b"
			old, next := eventAt(EventSuspended, 4), eventAt(EventSuspended, 6)
			if outcome, err := Record(w, old, deliveryOf(old)); outcome != OutcomeStale || err != nil {
				t.Error(outcome, err)
			}
			if outcome, err := Record(w, next, deliveryOf(next)); outcome != OutcomeAccepted || err != nil {
				t.Error(outcome, err)
			}
			kept := readAnnotation[deliveries](w, v1alpha1.AnnotationDeliveries)
			if len(kept) == 0 || len(kept) > 32 || kept[0] != deliveryOf(next) || w.Annotations["a"] != "b" {
				t.Error(w.Annotations)
			}
		})
	}
}

func TestNewDelivery_DependsOnTheBody(t *testing.T) {
	of := func(body string) Delivery { return NewDelivery("a", []byte(body), received) }
	first, again, other := of("x"), of("x"), of("y")
	if first != again || first == other {
		t.Error("the hash does not follow the body")
	}
	if got := len(first.Hash); got != 43 { // 32 bytes of SHA-256, base64 without padding
		t.Errorf("the hash has %d characters", got)
	}
}

func TestDeliveries_AreTheNewest(t *testing.T) {
	var recorded deliveries
	for i := range maxDeliveries + 1 {
		recorded = append(recorded, NewDelivery(fmt.Sprint(i), nil, received))
	}
	var w v1alpha1.Workspace
	if err := writeAnnotation(&w, v1alpha1.AnnotationDeliveries, recorded); err != nil {
		t.Fatal(err)
	}
	if newest := Deliveries(&w); len(newest) != maxDeliveries || newest[0].ID != "0" {
		t.Errorf("got %v", newest)
	}
	w.Annotations[v1alpha1.AnnotationDeliveries] = "by hand"
	if newest := Deliveries(&w); len(newest) != 0 {
		t.Errorf("of a record that can't be read: %v", newest)
	}
}
