package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// proxied runs the service behind a fault proxy, alone, until the test ends.
func proxied(t *testing.T) (*service.Service, *faultproxy.Proxy) {
	t.Helper()
	proxy, err := faultproxy.New(world.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	svc, err := world.service.Through(t.Context(), "workspace-flyte-integration-proxied", proxy)
	if err != nil {
		t.Fatal(err)
	}
	world.service.Stop()
	t.Cleanup(func() {
		if err := world.service.Start(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := svc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proxy.Set(nil)
		svc.Stop()
	})
	return svc, proxy
}

// changes tells whether a request changes something that lasts: not a lease, not an Event.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/leases") && !strings.Contains(r.URL.Path, "/events")
}

// episode is one event of a workspace's life, and how its life stands when it has taken effect.
type episode struct {
	name   string
	event  workspace.EventType
	reason string
}

// life is a workspace's, as the stories of faults tell it.
var life = []episode{
	{"create", workspace.EventCreated, v1alpha1.ReasonReady},
	{"update", workspace.EventUpdated, v1alpha1.ReasonReady},
	{"suspend", workspace.EventSuspended, v1alpha1.ReasonSuspended},
	{"resume", workspace.EventResumed, v1alpha1.ReasonReady},
	{"delete", workspace.EventDeleted, v1alpha1.ReasonDeleted},
}

// message is the webhook of the episode, the i-th of the workspace's life.
func (e episode) message(t *testing.T, id string) message {
	t.Helper()
	i := int64(slices.Index(life, e) + 1)
	data := version(e.event, id, i).Data
	return newMessage(t, e.event, data)
}
