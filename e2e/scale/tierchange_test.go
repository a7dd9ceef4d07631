package scale

import (
	"context"
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestTierChangeReachesAllWorkspaces changes three objects of each workspace on a tier, and meanwhile updates another workspace again and
// again: that must not wait until the fleet is done.
func TestTierChangeReachesAllWorkspaces(t *testing.T) {
	env := shared.Env()
	ids := fleet(t)
	other := prepare(t, "tier-other", 1)[0]
	alone := make([]time.Duration, 5)
	for i := range alone {
		alone[i] = other.update(t)
	}
	before := len(env.Requests(t))
	pods := v1alpha1.Count("123")
	conforming := quotasOf(t, string(pods), len(ids))
	start := time.Now()
	env.ChangeTier(t, fleetName, func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Quota.Default.Pods = pods
		spec.LimitRange.Default.CPU = "999m"
		spec.PodSecurity.Warn = v1alpha1.PodSecurityBaseline
	})
	var meanwhile []time.Duration
	var all []time.Time
	for all == nil {
		took := other.update(t)
		select {
		case all = <-conforming:
		default:
			meanwhile = append(meanwhile, took) // it ended before the fleet did
		}
	}
	if len(all) < len(ids) {
		t.Fatalf("%d of %d workspaces follow the tier", len(all), len(ids))
	}
	if len(meanwhile) == 0 {
		t.Error("an update of another workspace had to wait for all workspaces of the tier")
	}
	t.Logf("%d workspaces conform after %v, half of them after %v", len(ids), all[len(all)-1].Sub(start), all[len(all)/2].Sub(start))
	t.Logf("an update of another workspace to Ready: %d times meanwhile, median %v, at most %v; alone median %v, at most %v",
		len(meanwhile), harness.Quantile(meanwhile, .5), harness.Quantile(meanwhile, 1), harness.Quantile(alone, .5), harness.Quantile(alone, 1))
	n := len(ids)
	want := map[string]int{
		"patch resourcequotas": n, "patch limitranges": n, "get namespaces": n, "patch namespaces": n,
	}
	harness.Eventually(t, "exactly one write of each changed object, and one read of each Namespace", func(context.Context) bool {
		got := fleetRequests(t, before)
		if late := got["get resourcequotas"]; late > 0 && late <= n/10 { // the quota controller wrote the status at the same moment
			want["get resourcequotas"], want["patch resourcequotas"] = late, n+late
		}
		return maps.Equal(want, got)
	})
}

// update changes the name, and returns how long it takes until the Workspace is Ready with it.
func (l *loaded) update(t *testing.T) time.Duration {
	t.Helper()
	env := shared.Env()
	e := l.next()
	start := time.Now()
	env.Deliver(t, harness.NewMessage(t, workspace.EventUpdated, e.Data))
	env.AwaitReason(t, l.w.Name, v1alpha1.ReasonReady)
	return time.Since(start)
}

// quotasOf watches until n namespaces of the fleet allow that many pods, and returns when the watch showed each of them.
func quotasOf(t *testing.T, pods string, n int) <-chan []time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	result := make(chan []time.Time, 1)
	go func() {
		seen, times := map[string]bool{}, []time.Time{}
		owned := client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
		_ = shared.Env().Watch(ctx, &corev1.ResourceQuotaList{}, func(event watch.Event) (done bool) { // fewer times say that it failed
			quota, ok := event.Object.(*corev1.ResourceQuota)
			if !ok || event.Type == watch.Deleted || !isInFleet(quota.Namespace) || seen[quota.Namespace] {
				return false
			}
			if allowed := quota.Spec.Hard[corev1.ResourcePods]; allowed.String() == pods {
				seen[quota.Namespace] = true
				times = append(times, time.Now())
			}
			return len(times) == n
		}, owned)
		result <- times
	}()
	return result
}
