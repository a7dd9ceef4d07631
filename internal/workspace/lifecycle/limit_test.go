package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// kubectl apply bypasses the edge: the controller provisions the oldest, and the others when there is room.
func TestController_ProvisionsNoMoreThanTheMaximum(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{limits: workspace.NewLimits(2)})
	first := s.provisioned("limit-1") // of the same second, they are ordered by name
	s.provisioned("limit-2")
	create(t, s.admin, s.workspace("limit-3"))
	w := s.await("limit-3", v1alpha1.ConditionReady, v1alpha1.ReasonLimitExceeded)
	const want = "there are 2 older workspaces, and MAX_WORKSPACES allows 2"
	if got := w.ReadyCondition().Message; got != want {
		t.Errorf("Ready says %q, want %q", got, want)
	}
	err := s.admin.Get(t.Context(), client.ObjectKey{Name: "flyte-limit-3"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("it has a namespace: %v", err)
	}
	s.whileNobodyLeads(func() { s.controller.Limits.Workspaces = 1 }) // what is provisioned stays so
	s.reconcile("limit-2")
	s.await("limit-2", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.whileNobodyLeads(func() { s.controller.Limits.Workspaces = 2 })

	must(t, s.admin.Delete(t.Context(), first))
	s.awaitUnknown("limit-1")
	s.reconcile("limit-3")
	s.await("limit-3", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// kubectl apply bypasses the edge, which refuses more members than every replica can keep in memory.
func TestController_ProvisionsNoMoreMembersThanTheMaximum(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{limits: workspace.Limits{Workspaces: 10, Members: 100}})
	large := func(id string, members int) {
		w := s.workspace(id)
		w.Spec.Members = nil
		for i := range members {
			name := v1alpha1.Text(fmt.Sprintf("user-%d", i))
			w.Spec.Members = append(w.Spec.Members, v1alpha1.Member{Kind: v1alpha1.MemberUser, Name: name, Role: v1alpha1.RoleViewer})
		}
		create(t, s.admin, w)
	}
	large("members-1", 90)
	s.await("members-1", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	large("members-2", 65)
	w := s.await("members-2", v1alpha1.ConditionReady, v1alpha1.ReasonLimitExceeded)
	const want = "it would have 65 members and the other workspaces have 90: "
	if got := w.ReadyCondition().Message; !strings.HasPrefix(got, want) {
		t.Errorf("Ready says %q, want %q", got, want)
	}
	large("members-3", 64)
	s.await("members-3", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A new workspace waits for no status that is being written of another one, although it counts them all.
func TestController_CountsWithoutWaiting(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	release := sync.OnceFunc(s.requests.hold("PATCH workspaces/status"))
	defer release()
	create(t, s.admin, s.workspace("being-written"))
	eventually(t, func(context.Context) error {
		if s.requests.writes()["PATCH workspaces/status"] == 0 {
			return errors.New("its status is not being written")
		}
		return nil
	})
	create(t, s.admin, s.workspace("next"))
	eventually(t, func(ctx context.Context) error {
		return s.admin.Get(ctx, client.ObjectKey{Name: "flyte-next"}, &corev1.Namespace{})
	})
	release()
	for _, id := range []string{"being-written", "next"} {
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
}
