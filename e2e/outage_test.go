package e2e

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// promptly is how soon a sender must be told that the API server is away.
const promptly = 2 * time.Second

// TestAPIServerDown stops the API server for longer than a lease lasts. Senders are told so at once, the replica stays
// ready for them, and everything goes on by itself.
func TestAPIServerDown(t *testing.T) {
	world.cluster.StopAPIServer()
	during := newMessage(t, workspace.EventCreated, team("outage", 1))
	mustBeUnavailable(t, during.send(t))
	if status := get(t, "/readyz").status; status != http.StatusOK {
		t.Errorf("/readyz answers %d", status)
	}
	if status := get(t, "/livez").status; status != http.StatusOK {
		t.Errorf("/livez answers %d", status)
	}
	health := get(t, "/health")
	if health.status != http.StatusServiceUnavailable || !strings.Contains(health.body, "API server unreachable") {
		t.Errorf("/health answers %d %s", health.status, health.body)
	}
	eventually(t, "the lease to be lost", func(context.Context) bool {
		log, err := os.ReadFile(world.service.LogPath())
		return err == nil && strings.Contains(string(log), "lost the lease")
	})
	if err := world.cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	during.mustDeliver(t)
	settled(t, "outage", v1alpha1.ReasonReady)
	select {
	case <-world.service.Exited():
		t.Error("the service did not survive the outage")
	default:
	}
}

// TestAPIServerHangs freezes the API server: connections stay open and nothing answers.
func TestAPIServerHangs(t *testing.T) {
	m := newMessage(t, workspace.EventCreated, team("hang", 1))
	world.cluster.PauseAPIServer()
	r := m.send(t)
	world.cluster.ResumeAPIServer()
	mustBeUnavailable(t, r)
	m.mustDeliver(t)
	settled(t, "hang", v1alpha1.ReasonReady)
}

// TestFlyteDown makes workspaces while Flyte is away: Kubernetes goes on, and Flyte's return is noticed.
func TestFlyteDown(t *testing.T) {
	world.flyte.SetUnavailable(true)
	defer world.flyte.SetUnavailable(false)
	newMessage(t, workspace.EventCreated, team("no-flyte", 1)).mustDeliver(t)
	w := settled(t, "no-flyte", v1alpha1.ReasonFlyteUnavailable)
	for _, c := range w.Status.Conditions {
		isFlytes := c.Type == v1alpha1.ConditionReady || c.Type == v1alpha1.ConditionFlyteProjectRegistered
		if want := !isFlytes; (c.Status == "True") != want {
			t.Errorf("%s is %s", c.Type, c.Status)
		}
	}
	says(t, world.service, "/health", http.StatusServiceUnavailable, `"reasons":["Flyte unreachable"]`)
	says(t, world.service, "/readyz", http.StatusOK, "ok")
	world.flyte.SetUnavailable(false)
	settled(t, "no-flyte", v1alpha1.ReasonReady)
	says(t, world.service, "/health", http.StatusOK, "healthy")
}

func mustBeUnavailable(t *testing.T, r reply) {
	t.Helper()
	if r.status != http.StatusServiceUnavailable || r.retryAfter() < 1 || r.took > promptly {
		t.Errorf("answered %d with Retry-After %d after %v: %s", r.status, r.retryAfter(), r.took, r.body)
	}
}

func get(t *testing.T, path string) reply {
	t.Helper()
	r, err := ask(t.Context(), world.service, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
