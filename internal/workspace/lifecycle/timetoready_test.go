package lifecycle

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func TestTimeToReady(t *testing.T) {
	now := time.Date(2026, 11, 20, 8, 41, 0, 0, time.UTC)
	after := func(d time.Duration) { now = now.Add(d) }
	m := newTimeToReady(prometheus.NewRegistry(), func() time.Time { return now })
	w := workspace.New("timed")
	record := func(e workspace.EventType, version int64, received time.Time) {
		event := workspace.Event{Type: e, Data: workspace.Data{WorkspaceID: "timed", Version: version, Name: "Timed"}}
		_, err := workspace.Record(w, event, workspace.NewDelivery("msg", []byte(e), received))
		must(t, err)
		w.Generation++
	}
	ready := func(is bool) {
		o := waiting(v1alpha1.ConditionReady, v1alpha1.ReasonFlyteUnavailable, "")
		if is {
			o = done(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "")
		}
		setCondition(w, o)
		w.Status.ObservedGeneration = w.Generation
		m.end(w)
	}

	record(workspace.EventCreated, 1, now)
	after(40 * time.Millisecond)
	m.begin(t.Context(), w)
	after(10 * time.Millisecond)
	ready(true)
	wantTimes(t, m, 1, 0.05)
	if got := exemplars(t, m); !slices.Equal(got, []string{"msg"}) {
		t.Errorf("the exemplars name %q", got)
	}

	m.begin(t.Context(), w) // nothing changed
	ready(true)
	wantTimes(t, m, 1, 0.05)

	after(time.Hour)
	w.Generation++ // by hand: the webhook is older
	m.begin(t.Context(), w)
	after(time.Second)
	ready(false)
	after(time.Second)
	ready(true)
	wantTimes(t, m, 2, 2.05)
	if got := exemplars(t, m); !slices.Equal(got, []string{"msg"}) {
		t.Errorf("a change by hand has an exemplar: %q", got)
	}

	w.Generation++
	m.begin(t.Context(), w)
	m.remove(w.Name)
	ready(true)
	wantTimes(t, m, 2, 2.05)
}

func wantTimes(t *testing.T, m *timeToReady, count uint64, sum float64) {
	t.Helper()
	var got dto.Metric
	must(t, m.seconds.Write(&got))
	if h := got.GetHistogram(); h.GetSampleCount() != count || h.GetSampleSum() < sum-1e-6 || h.GetSampleSum() > sum+1e-6 {
		t.Errorf("%d times of %v s together, want %d of %v", h.GetSampleCount(), h.GetSampleSum(), count, sum)
	}
}

// exemplars are the deliveries that the buckets name.
func exemplars(t *testing.T, m *timeToReady) (deliveries []string) {
	t.Helper()
	var got dto.Metric
	must(t, m.seconds.Write(&got))
	for _, bucket := range got.GetHistogram().GetBucket() {
		for _, label := range bucket.GetExemplar().GetLabel() {
			deliveries = append(deliveries, label.GetValue())
		}
	}
	return deliveries
}
