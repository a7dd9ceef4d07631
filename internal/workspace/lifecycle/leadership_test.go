package lifecycle

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// lead gives the stage's controller the lease, as k8s.Lease does.
func (s *stage) lead() {
	s.t.Helper()
	s.leadership.acquire()
	s.controller.Acquired(s.t.Context())
}

func (s *stage) awaitCall(method string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		if s.flyte.Calls()[method] == 0 {
			return errors.New("Flyte was not asked: " + method)
		}
		return nil
	})
}

// awaitIdle waits until no Reconcile is under way.
func (s *stage) awaitIdle() {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		s.controller.progress.mu.Lock()
		defer s.controller.progress.mu.Unlock()
		if len(s.controller.progress.underWay) > 0 {
			return errors.New("a Reconcile is under way")
		}
		return nil
	})
}

func TestController_WritesNothingWithoutLease(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{leadership: &leadership{}})
	ids := []string{"follow-1", "follow-2", "follow-3"}
	for _, id := range ids {
		create(t, s.admin, s.workspace(id))
	}
	eventually(t, func(context.Context) error {
		s.leadership.mu.Lock()
		defer s.leadership.mu.Unlock()
		if s.leadership.refused < len(ids) {
			return errors.New("the controller has not looked at every Workspace")
		}
		return nil
	})
	if writes := s.requests.writes(); len(writes) > 0 {
		t.Errorf("writes without the lease: %v", writes)
	}
	if calls := s.flyte.Calls(); len(calls) > 0 {
		t.Errorf("calls of Flyte without the lease: %v", calls)
	}
	s.lead()
	for _, id := range ids {
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
}

func TestController_StopsWhenLeaseIsLost(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	release := s.flyte.Hang()
	create(t, s.admin, s.workspace("deposed"))
	s.awaitCall("GetProject")
	s.leadership.lose()
	s.awaitIdle()
	if writes := s.requests.writes()["PATCH workspaces/status"]; writes != 0 {
		t.Errorf("the status was written %d times after the lease was lost", writes)
	}
	release()
	s.reconcile("deposed")
	before := s.requests.writes()
	other := newStage(t, stageOptions{flyte: s.flyte})
	other.await("deposed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(before, s.requests.writes()); diff != "" {
		t.Errorf("the former leader wrote (-before +after):\n%s", diff)
	}
	if n := other.requests.writes()["POST namespaces"]; n != 0 {
		t.Errorf("the next leader made %d namespaces again", n)
	}
	other.leadership.lose()
	s.lead()
	s.setState("deposed", v1alpha1.StateSuspended)
	s.await("deposed", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
}
