package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
)

// awaitTier waits until the status of the tier has this text: its numbers, its conditions' reasons, and whether it is of the newest
// generation.
func (env *testEnv) awaitTier(want string) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		var found v1alpha1.WorkspaceTier
		if err := env.admin.Get(ctx, client.ObjectKey{Name: "tiered-tier"}, &found); err != nil {
			return err
		}
		s := found.Status
		got := fmt.Sprintf("%d of %d", s.Conforming, s.Workspaces)
		for _, condition := range []string{v1alpha1.TierConditionAccepted, v1alpha1.TierConditionRolledOut} {
			if c := meta.FindStatusCondition(s.Conditions, condition); c != nil {
				got += " " + c.Reason
			}
		}
		if got != want || s.ObservedGeneration != found.Generation {
			return fmt.Errorf("the status is %s, want %s: %+v", got, want, s)
		}
		return nil
	})
}

// The status of a tier follows its workspaces and its changes, says what can't work, and is not written at rest.
func TestController_ReportsTiers(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{tierStatusInterval: 10 * time.Millisecond})
	env.provisionedOnTier("tiered", func(*v1alpha1.WorkspaceTierSpec) {})
	env.awaitTier("1 of 1 Accepted RolledOut")
	another := env.workspace("tiered-too")
	another.Spec.Tier = "tiered-tier"
	create(t, env.admin, another)
	env.awaitTier("2 of 2 Accepted RolledOut")

	env.changeTier("tiered-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.AllowedWorkspaces, spec.Domains = []string{"tiered"}, map[string]v1alpha1.TierDomain{"qa": {}}
	})
	env.awaitTier("1 of 2 DomainIgnored WorkspacesNotReady")
	env.changeTier("tiered-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Domains, spec.Namespace.Annotations = nil, v1alpha1.Annotations{"company.com/d": "{domain}"}
	})
	env.awaitTier("0 of 2 TierInvalid WorkspacesNotReady")
	env.changeTier("tiered-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.AllowedWorkspaces, spec.Namespace.Annotations, spec.Workload.ImagePullSecrets = nil, nil, []string{"registry"}
	})
	env.awaitTier("0 of 2 PullSecretNotFound WorkspacesNotReady")
	env.changeTier("tiered-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = nil })
	env.awaitTier("2 of 2 Accepted RolledOut")

	env.setState("tiered-too", v1alpha1.StateDeleted)
	env.awaitTier("1 of 1 Accepted RolledOut")
	env.setState("tiered", v1alpha1.StateSuspended)
	env.await("tiered", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.awaitTier("1 of 1 Accepted RolledOut")

	env.awaitIdle()
	before := 0
	eventually(t, func(ctx context.Context) error { // the reporter may not be done yet
		before = env.requests.tierStatusWrites("tiered-tier")
		must(t, env.controller.writeTierStatuses(ctx))
		if env.requests.tierStatusWrites("tiered-tier") > before {
			return errors.New("the status is still written")
		}
		return nil
	})
	env.reconcile("tiered")
	must(t, env.controller.writeTierStatuses(t.Context()))
	if after := env.requests.tierStatusWrites("tiered-tier"); after != before || before == 0 {
		t.Errorf("the status was written %d times, and %d times at rest", before, after-before)
	}
}

// The service may not get a tier: a Reconcile reads it from the cache, also where that can't show the status that was just written.
func TestController_ReadsTierWhileItsWatchIsDown(t *testing.T) {
	t.Parallel()
	proxy, err := faultproxy.New(shared.Cluster(t).Config())
	must(t, err)
	t.Cleanup(proxy.Stop)
	env := newTestEnv(t, envOptions{proxy: proxy})
	env.provisionedOnTier("unwatched", func(*v1alpha1.WorkspaceTierSpec) {})
	down := make(chan struct{}, 1)
	proxy.Set(func(r *http.Request) faultproxy.Fault {
		if r.Method != http.MethodGet || resourceOf(r) != "workspacetiers" {
			return faultproxy.Fault{}
		}
		select {
		case down <- struct{}{}:
		default:
		}
		return faultproxy.Fault{Status: http.StatusServiceUnavailable}
	})
	proxy.Break()
	<-down

	before := env.requests.tierStatusWrites("unwatched-tier")
	must(t, env.controller.writeTierStatuses(t.Context()))
	if env.requests.tierStatusWrites("unwatched-tier") == before {
		t.Fatal("no status of a tier was written")
	}
	env.reconcile("unwatched")
}

func TestTierProgress_KeepsWhatANewLeaderDoesNotKnow(t *testing.T) {
	p, standard := newTierProgress(), tier("standard")
	standard.Generation = 2
	all := make([]v1alpha1.Workspace, 4)
	for i := range all {
		all[i].Name, all[i].Spec.Tier, all[i].Spec.Version = fmt.Sprint(i), "standard", 1
	}
	p.record("0", appliedTier{"standard", 2})
	p.record("1", appliedTier{"standard", 1})
	p.record("2", appliedTier{})
	if got, want := p.count(standard, all), (tierCounts{workspaces: 4, reconciled: 1, unknown: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	p.reset()
	if got, want := p.count(standard, all), (tierCounts{workspaces: 4, unknown: 4}); got != want {
		t.Errorf("a new leader has %+v, want %+v", got, want)
	}
}
