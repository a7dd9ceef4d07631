package harness

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/model"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// ThroughProxy runs another replica, which reaches the API server by a fault proxy, instead of the service until the test ends.
func (e *Env) ThroughProxy(t testing.TB) (*service.Service, *faultproxy.Proxy) {
	t.Helper()
	proxy, err := faultproxy.New(e.Cluster.Config())
	Must(t, err)
	t.Cleanup(proxy.Stop)
	replica, err := e.Service.Through(t.Context(), "workspace-flyte-integration-proxied", proxy)
	Must(t, err)
	e.Service.Stop()
	t.Cleanup(func() {
		if err := e.Service.Start(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	Must(t, replica.Start(t.Context()))
	t.Cleanup(func() {
		proxy.Set(nil)
		replica.Stop()
	})
	return replica, proxy
}

// IsWrite reports whether a request changes anything but a Lease or an Event.
func IsWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/leases") && !strings.Contains(r.URL.Path, "/events")
}

// IsWatch reports whether a request is a watch.
func IsWatch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// Transition is one event in a workspace's life, and the reason of Ready when it has taken effect.
type Transition struct {
	Name   string
	Event  workspace.EventType
	Reason string

	version int64
}

// Life returns the transitions of a workspace that the tests of faults send one after the other.
func Life() []Transition {
	return []Transition{
		{"create", workspace.EventCreated, v1alpha1.ReasonReady, 1},
		{"update", workspace.EventUpdated, v1alpha1.ReasonReady, 2},
		{"suspend", workspace.EventSuspended, v1alpha1.ReasonSuspended, 3},
		{"resume", workspace.EventResumed, v1alpha1.ReasonReady, 4},
		{"delete", workspace.EventDeleted, v1alpha1.ReasonDeleted, 5},
	}
}

// Apply delivers the event of a transition to a replica, and waits for its effect.
func (e *Env) Apply(t testing.TB, to *service.Service, id string, transitions ...Transition) {
	t.Helper()
	for _, transition := range transitions {
		DeliverTo(t, to, NewMessage(t, transition.Event, model.Event(transition.Event, id, transition.version).Data))
		e.AwaitReason(t, id, transition.Reason)
	}
}
