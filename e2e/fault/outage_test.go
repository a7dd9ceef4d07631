package fault

import (
	"context"
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var outage = flag.Duration("outage", 0, "how long the API server and etcd are down at least")

// promptly is how soon a sender must get a 503 if the API server is down or hangs: by design after at most five seconds.
const promptly = 10 * time.Second

// outageLasts waits until an outage that began then has lasted.
func outageLasts(t *testing.T, since time.Time) {
	t.Helper()
	select {
	case <-time.After(*outage - time.Since(since)): // it is the fault itself
	case <-t.Context().Done():
	}
}

// TestAPIServerDown stops the API server for longer than a lease lasts. Senders get 503 at once, the replica stays ready for them, and the
// service goes on by itself when the API server is back.
func TestAPIServerDown(t *testing.T) {
	env := shared.Env()
	env.Create(t, harness.Data("outage-before", 1))
	env.RemoveLabels(t, "flyte-outage-before") // so that each watch has delivered something
	harness.Eventually(t, "the service to lead", func(context.Context) bool { return leads(t) })
	since := time.Now()
	env.Cluster.StopAPIServer()
	t.Cleanup(func() { _ = env.Cluster.StartAPIServer(context.WithoutCancel(t.Context())) }) // fails if it has been started
	during := harness.NewMessage(t, workspace.EventCreated, harness.Data("outage", 1))
	mustBeUnavailable(t, env.Send(t, during))
	for _, path := range []string{"/readyz", "/livez"} {
		r, err := harness.Ask(t.Context(), env.Service, path)
		if err != nil || r.Status != http.StatusOK {
			t.Errorf("%s answers %d %v", path, r.Status, err)
		}
	}
	harness.AwaitAnswer(t, env.Service, "/health", http.StatusServiceUnavailable, "API server unreachable")
	harness.Eventually(t, "the lease to be lost", func(context.Context) bool { return !leads(t) })
	outageLasts(t, since)
	harness.Must(t, env.Cluster.StartAPIServer(t.Context()))
	back := time.Now()
	env.Deliver(t, during)
	env.AwaitReason(t, "outage", v1alpha1.ReasonReady)
	env.RemoveLabels(t, "flyte-outage-before")
	env.RemoveLabels(t, "flyte-outage")
	t.Logf("%v after the API server's return all kinds are watched again", time.Since(back))
	harness.Alive(t, env.Service)
}

// leads reports whether the service is the leader, by its own metric.
func leads(t *testing.T) bool {
	t.Helper()
	return shared.Env().Metric(t, "leader_election_master_status") == 1
}

// TestAPIServerHangs freezes the API server: connections stay open and nothing answers.
func TestAPIServerHangs(t *testing.T) {
	env := shared.Env()
	m := harness.NewMessage(t, workspace.EventCreated, harness.Data("hang", 1))
	env.Cluster.PauseAPIServer()
	r := env.Send(t, m)
	env.Cluster.ResumeAPIServer()
	mustBeUnavailable(t, r)
	env.Deliver(t, m)
	env.AwaitReason(t, "hang", v1alpha1.ReasonReady)
}

// TestFlyteDown creates a workspace while Flyte is down: everything in Kubernetes is created, and Flyte's return is noticed.
func TestFlyteDown(t *testing.T) {
	env := shared.Env()
	env.Flyte.SetUnavailable(true)
	defer env.Flyte.SetUnavailable(false)
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("no-flyte", 1)))
	w := env.AwaitReason(t, "no-flyte", v1alpha1.ReasonFlyteUnavailable)
	for _, c := range w.Status.Conditions {
		isFlytes := c.Type == v1alpha1.ConditionReady || c.Type == v1alpha1.ConditionFlyteProjectRegistered
		if want := !isFlytes; (c.Status == "True") != want {
			t.Errorf("%s is %s", c.Type, c.Status)
		}
	}
	harness.AwaitAnswer(t, env.Service, "/health", http.StatusServiceUnavailable, `"reasons":["Flyte unreachable"]`)
	harness.AwaitAnswer(t, env.Service, "/readyz", http.StatusOK, "ok")
	env.Flyte.SetUnavailable(false)
	env.AwaitReason(t, "no-flyte", v1alpha1.ReasonReady)
	harness.AwaitAnswer(t, env.Service, "/health", http.StatusOK, "healthy")
}

func mustBeUnavailable(t *testing.T, r service.Reply) {
	t.Helper()
	if r.Status != http.StatusServiceUnavailable || r.RetryAfter() < 1 || r.Took > promptly {
		t.Errorf("answered %d with Retry-After %d after %v: %s", r.Status, r.RetryAfter(), r.Took, r.Body)
	}
}

// TestEtcdDown stops etcd while one workspace arrives and another exists: senders get 503, nothing is undone, and the service goes on by
// itself when etcd is back.
func TestEtcdDown(t *testing.T) {
	env := shared.Env()
	env.Create(t, harness.Data("etcd-before", 1))
	want := env.Snapshot(t, "etcd-before")

	since := time.Now()
	env.Cluster.StopEtcd()
	during := harness.NewMessage(t, workspace.EventCreated, harness.Data("etcd-during", 1))
	mustBeUnavailable(t, env.Send(t, during))
	outageLasts(t, since)
	harness.Must(t, env.Cluster.StartEtcd(t.Context()))
	env.Deliver(t, during)
	env.AwaitReason(t, "etcd-during", v1alpha1.ReasonReady)
	if diff := cmp.Diff(want, env.Snapshot(t, "etcd-before")); diff != "" {
		t.Errorf("the existing workspace has changed (-before +after):\n%s", diff)
	}
}
