package lifecycle

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// TestController_LeavesFlyteInPeaceWhileItIsDown lets many workspaces arrive while Flyte is down. Their Kubernetes parts don't wait,
// Flyte is hardly asked, and all of them are Ready soon after its return. It runs alone: it would slow the others down.
func TestController_LeavesFlyteInPeaceWhileItIsDown(t *testing.T) {
	const arriving = 150
	s := newStage(t, stageOptions{})
	s.flyte.SetUnavailable(true)
	id := func(i int) string { return fmt.Sprint("arriving-", i) }
	began := time.Now()
	for i := range arriving {
		create(t, s.admin, s.workspace(id(i)))
	}
	s.awaitAll(v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonFlyteUnavailable, arriving)
	s.awaitAll(v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonApplied, arriving)
	down := time.Since(began)
	asked := s.flyte.Calls()["GetProject"]
	// Five failures before the breaker opens, and one each two seconds, of three attempts each at most.
	if bound := 3 * (5 + maxFlyteCalls + int(down/time.Second)); asked > bound {
		t.Errorf("Flyte was asked %d times in %s, want at most %d", asked, down, bound)
	}
	s.flyte.SetUnavailable(false)
	began = time.Now()
	s.awaitAll(v1alpha1.ConditionReady, v1alpha1.ReasonReady, arriving)
	t.Logf("%d workspaces arrived in %s and asked Flyte %d times; all were Ready %s after its return",
		arriving, down.Round(time.Millisecond), asked, time.Since(began).Round(time.Millisecond))
}

// awaitAll waits, longer than for one, until the condition of that many Workspaces of the test has the reason.
func (s *stage) awaitAll(condition, reason string, want int) {
	s.t.Helper()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(5 * time.Minute); ; <-poll.C {
		var all v1alpha1.WorkspaceList
		must(s.t, s.admin.List(s.t.Context(), &all, client.MatchingLabels(s.labels())))
		got := 0
		for i := range all.Items {
			if have := meta.FindStatusCondition(all.Items[i].Status.Conditions, condition); have != nil && have.Reason == reason {
				got++
			}
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s of %d workspaces is %s, want %d", condition, got, reason, want)
		}
	}
}
