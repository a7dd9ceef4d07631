package e2e

import (
	"context"
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var outage = flag.Duration("outage", 0, "how long the API server, and etcd, is away at least")

// promptly is how soon a sender must be told that the API server is away or hangs: by design after at most five seconds.
const promptly = 10 * time.Second

// lasting returns when an outage that began then has lasted.
func lasting(t *testing.T, since time.Time) {
	t.Helper()
	select {
	case <-time.After(*outage - time.Since(since)): // it is the fault itself
	case <-t.Context().Done():
	}
}

// TestAPIServerDown stops the API server for longer than a lease lasts. Senders are told so at once, the replica stays
// ready for them, and everything goes on by itself.
func TestAPIServerDown(t *testing.T) {
	eventually(t, "the service to lead", func(ctx context.Context) bool { return leader(ctx) == firstReplica })
	newMessage(t, workspace.EventCreated, team("outage-before", 1)).mustDeliver(t)
	settled(t, "outage-before", v1alpha1.ReasonReady)
	for _, kind := range seenKinds() {
		stripLabels(t, kind, "flyte-outage-before") // so that the caches have seen them
	}
	lost, since := leasesLost(t), time.Now()
	world.cluster.StopAPIServer()
	t.Cleanup(func() { _ = world.cluster.StartAPIServer(context.WithoutCancel(t.Context())) }) // fails where it has been started
	during := newMessage(t, workspace.EventCreated, team("outage", 1))
	mustBeUnavailable(t, during.send(t))
	if status := get(t, "/readyz").Status; status != http.StatusOK {
		t.Errorf("/readyz answers %d", status)
	}
	if status := get(t, "/livez").Status; status != http.StatusOK {
		t.Errorf("/livez answers %d", status)
	}
	// An answer may be a second old.
	says(t, world.service, "/health", http.StatusServiceUnavailable, "API server unreachable")
	eventually(t, "the lease to be lost", func(context.Context) bool { return leasesLost(t) > lost })
	lasting(t, since)
	if err := world.cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	during.mustDeliver(t)
	settled(t, "outage", v1alpha1.ReasonReady)
	for _, kind := range seenKinds() {
		stripLabels(t, kind, "flyte-outage-before")
		stripLabels(t, kind, "flyte-outage")
	}
	t.Logf("%v after the API server's return all kinds are watched again", time.Since(back))
	select {
	case <-world.service.Exited():
		t.Error("the service did not survive the outage")
	default:
	}
}

// seenKinds are those of which every workspace has an object.
func seenKinds() []client.Object {
	return slices.DeleteFunc(k8s.Children(), func(o client.Object) bool {
		_, fromTier := o.(*corev1.PodTemplate)
		return fromTier
	})
}

// leasesLost counts what the service has logged.
func leasesLost(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(world.service.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), "lost the lease")
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

func mustBeUnavailable(t *testing.T, r service.Reply) {
	t.Helper()
	if r.Status != http.StatusServiceUnavailable || r.RetryAfter() < 1 || r.Took > promptly {
		t.Errorf("answered %d with Retry-After %d after %v: %s", r.Status, r.RetryAfter(), r.Took, r.Body)
	}
}

func get(t *testing.T, path string) service.Reply {
	t.Helper()
	r, err := ask(t.Context(), world.service, path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEtcdDown takes away the API server's storage while a workspace arrives and another stands: senders are told, nothing
// is undone, and everything goes on by itself.
func TestEtcdDown(t *testing.T) {
	standing := newMessage(t, workspace.EventCreated, team("etcd-before", 1))
	standing.mustDeliver(t)
	settled(t, "etcd-before", v1alpha1.ReasonReady)
	want := snapshot(t, "etcd-before")

	since := time.Now()
	world.cluster.StopEtcd()
	during := newMessage(t, workspace.EventCreated, team("etcd-during", 1))
	mustBeUnavailable(t, during.send(t))
	lasting(t, since)
	if err := world.cluster.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	during.mustDeliver(t)
	settled(t, "etcd-during", v1alpha1.ReasonReady)
	if diff := cmp.Diff(want, snapshot(t, "etcd-before")); diff != "" {
		t.Errorf("what stood has changed (-before +after):\n%s", diff)
	}
}
