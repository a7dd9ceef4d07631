package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/tracing"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// maxStored is longer than an accepted webhook is on its way to the first Reconcile. An older one did not cause it.
const maxStored = 30 * time.Second

// timeToReady measures how long a change of a Workspace takes until it is Ready: since the webhook was received, or since the first
// Reconcile if there was none. After a restart, changes under way are measured from then on.
type timeToReady struct {
	now     func() time.Time
	began   sync.Map // workspace → change
	seconds prometheus.Histogram
}

// change is of one generation of a Workspace.
type change struct {
	uid        types.UID
	generation int64
	at         time.Time
	delivery   string // the id of the webhook that caused it, if one did
	traceID    string // of its trace, if it was sampled
}

func newTimeToReady(r prometheus.Registerer, now func() time.Time) *timeToReady {
	m := &timeToReady{now: now, seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:                        "workspace_flyte_time_to_ready_seconds",
		Help:                        "Seconds from a webhook, or from the first Reconcile of another change, until the workspace is Ready.",
		Buckets:                     []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600},
		NativeHistogramBucketFactor: 1.1,
	})}
	r.MustRegister(m.seconds)
	return m
}

// begin notes the first Reconcile of a generation.
func (m *timeToReady) begin(ctx context.Context, w *v1alpha1.Workspace) {
	if w.Status.ObservedGeneration == w.Generation {
		return
	}
	if known, ok := m.began.Load(w.Name); ok && known.(change).uid == w.UID && known.(change).generation == w.Generation {
		return
	}
	began := change{uid: w.UID, generation: w.Generation, at: m.now()}
	if newest := workspace.Deliveries(w); len(newest) > 0 {
		if age := began.at.Sub(newest[0].Received); age >= 0 && age < maxStored {
			began.at, began.delivery = newest[0].Received, newest[0].ID
			if delivery := tracing.Extract(ctx, w); delivery.IsSampled() {
				began.traceID = delivery.TraceID().String()
			}
		}
	}
	m.began.Store(w.Name, began)
}

// end observes the time if the Workspace is Ready. The exemplar names the webhook that caused the change, and its trace.
func (m *timeToReady) end(w *v1alpha1.Workspace) {
	if w.ReadyCondition().Status != metav1.ConditionTrue {
		return
	}
	value, found := m.began.LoadAndDelete(w.Name)
	if !found || value.(change).uid != w.UID {
		return
	}
	began := value.(change)
	seconds := m.now().Sub(began.at).Seconds()
	m.seconds.(prometheus.ExemplarObserver).ObserveWithExemplar(seconds, began.exemplar()) // none if it is nil
}

// exemplar has what is known of the webhook, as far as an exemplar has room.
func (c change) exemplar() prometheus.Labels {
	labels, room := prometheus.Labels{}, prometheus.ExemplarMaxRunes
	for _, l := range []struct{ name, value string }{{"trace_id", c.traceID}, {"delivery", c.delivery}} {
		if size := len(l.name) + len(l.value); l.value != "" && size <= room {
			labels[l.name] = l.value
			room -= size
		}
	}
	if len(labels) == 0 {
		return nil
	}
	return labels
}

// remove is for a Workspace that does not exist any more.
func (m *timeToReady) remove(name string) { m.began.Delete(name) }
