package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// fakeLeadership implements Leadership with a lease that the test acquires and loses.
type fakeLeadership struct {
	mu     sync.Mutex
	lease  context.Context //nolint:containedctx // it is the leadership itself, as in k8s.Lease
	cancel context.CancelFunc
	// refused counts the calls of Bind without the lease.
	refused int
	// reconciling is read-locked by each Reconcile, and locked by exclusively.
	reconciling sync.RWMutex
}

// exclusiveKey marks the context of exclusively.
type exclusiveKey struct{}

// exclusively calls do while no Reconcile is under way. Only a Reconcile with the context of do may run. The queue never runs two
// Reconciles of one workspace at once, and so must a test.
func (l *fakeLeadership) exclusively(ctx context.Context, do func(context.Context)) {
	l.reconciling.Lock()
	defer l.reconciling.Unlock()
	do(context.WithValue(ctx, exclusiveKey{}, true))
}

func (l *fakeLeadership) acquire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lease, l.cancel = context.WithCancel(context.Background())
}

func (l *fakeLeadership) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel()
}

// Bind implements Leadership, as k8s.Lease does.
func (l *fakeLeadership) Bind(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool) {
	unlock := func() {}
	if ctx.Value(exclusiveKey{}) == nil {
		l.reconciling.RLock()
		unlock = l.reconciling.RUnlock
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lease := l.lease
	if lease == nil || lease.Err() != nil {
		l.refused++
		return ctx, unlock, false
	}
	bound, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(lease, cancel)
	return bound, func() { stop(); cancel(); unlock() }, true
}

// lead gives the controller the lease, as k8s.Lease does.
func (env *testEnv) lead() {
	env.t.Helper()
	env.leadership.acquire()
	env.controller.Acquired(env.t.Context())
}

func TestController_WritesNothingWithoutLease(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{leadership: &fakeLeadership{}})
	ids := []string{"follow-1", "follow-2", "follow-3"}
	for _, id := range ids {
		create(t, env.admin, env.workspace(id))
	}
	eventually(t, func(context.Context) error {
		env.leadership.mu.Lock()
		defer env.leadership.mu.Unlock()
		if env.leadership.refused < len(ids) {
			return errors.New("not every Workspace has been reconciled")
		}
		return nil
	})
	if writes := env.requests.writes(); len(writes) > 0 {
		t.Errorf("writes without the lease: %v", writes)
	}
	if calls := env.flyte.Calls(); len(calls) > 0 {
		t.Errorf("calls of Flyte without the lease: %v", calls)
	}
	env.lead()
	for _, id := range ids {
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
}

func TestController_StopsWhenLeaseIsLost(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	release := env.flyte.Hang()
	create(t, env.admin, env.workspace("lost-lease"))
	env.awaitFlyteCall("GetProject")
	env.leadership.lose()
	env.awaitIdle()
	if writes := env.requests.writes()["PATCH workspaces/status"]; writes != 0 {
		t.Errorf("the status was written %d times after the lease was lost", writes)
	}
	release()
	env.reconcile("lost-lease")
	before := env.requests.writes()
	other := newTestEnv(t, envOptions{flyte: env.flyte})
	other.await("lost-lease", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(before, env.requests.writes()); diff != "" {
		t.Errorf("the former leader wrote (-before +after):\n%s", diff)
	}
	if n := other.requests.writes()["POST namespaces"]; n != 0 {
		t.Errorf("the next leader created %d namespaces again", n)
	}
	other.leadership.lose()
	env.lead()
	env.setState("lost-lease", v1alpha1.StateSuspended)
	env.await("lost-lease", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
}

func TestWithoutWorkspace(t *testing.T) {
	t.Parallel()
	var namespaces []corev1.Namespace
	for _, id := range []string{"kept", "kept", "gone", "gone", ""} {
		var n corev1.Namespace
		n.Labels = map[string]string{v1alpha1.LabelWorkspace: id}
		namespaces = append(namespaces, n)
	}
	namespaces = append(namespaces, corev1.Namespace{})
	kept := v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}
	if got := sets.List(withoutWorkspace(namespaces, []v1alpha1.Workspace{kept})); !slices.Equal(got, []string{"gone"}) {
		t.Errorf("namespaces without a Workspace: %q", got)
	}
}
