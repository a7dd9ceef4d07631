package web_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestReadAPI_ShowsEvents: the newest first, in the form of events.k8s.io and in the older one.
func TestReadAPI_ShowsEvents(t *testing.T) {
	s := newService(t, fraud())
	s.live.events = []eventsv1.Event{
		{
			EventTime: metav1.MicroTime(at(1)), Type: "Normal", Reason: "Ready", Note: "one\nline\u202e",
			ReportingController: "integration", Related: quotaOfFraud(),
		},
		{
			EventTime: metav1.MicroTime(at(0)), Type: "Warning", Reason: "Conflict", Note: strings.Repeat("x", 2000),
			Series: &eventsv1.EventSeries{Count: 3, LastObservedTime: metav1.MicroTime(at(5))},
		},
		{
			Type: "Normal", Reason: "Old", DeprecatedSource: corev1.EventSource{Component: "older"}, DeprecatedCount: 2,
			DeprecatedFirstTimestamp: at(2), DeprecatedLastTimestamp: at(4),
		},
	}
	want := `{"events":[{"type":"Warning","reason":"Conflict","note":"` + strings.Repeat("x", 1021) + `…","count":3,` +
		`"first_at":"2026-11-20T08:41:00Z","last_at":"2026-11-20T08:41:05Z"},` +
		`{"type":"Normal","reason":"Old","note":"","reporter":"older","count":2,` +
		`"first_at":"2026-11-20T08:41:02Z","last_at":"2026-11-20T08:41:04Z"},` +
		`{"type":"Normal","reason":"Ready","note":"one line` + "\ufffd" + `","object":{"kind":"ResourceQuota",` +
		`"namespace":"flyte-fraud","name":"workspace-quota"},"reporter":"integration","count":1,` +
		`"first_at":"2026-11-20T08:41:01Z","last_at":"2026-11-20T08:41:01Z"}]}`
	if got := s.get(t, "/workspaces/fraud/events").Body; got != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
	}
	if want := "default regarding.kind=Workspace,regarding.name=fraud"; s.live.selector != want {
		t.Errorf("read were the Events %q, want %q", s.live.selector, want)
	}
}

func TestReadAPI_BoundsEvents(t *testing.T) {
	s := newService(t, fraud())
	for i := range 150 {
		s.live.events = append(s.live.events, eventsv1.Event{EventTime: metav1.MicroTime(at(i)), Note: fmt.Sprint(i)})
	}
	var got struct{ Events []struct{ Note string } }
	if err := json.Unmarshal([]byte(s.get(t, "/workspaces/fraud/events").Body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 100 || got.Events[0].Note != "149" || got.Events[99].Note != "50" {
		t.Errorf("%d, from %q", len(got.Events), got.Events[0].Note)
	}
}
