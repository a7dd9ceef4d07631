package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Foreign finalizers block the deletion of objects in a terminating namespace. Access to it is still revoked.
func TestController_RevokesAccessInTerminatingNamespace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	for state, want := range map[v1alpha1.State][]string{
		v1alpha1.StateActive: {"workspace-admin: User ana@company.com"}, v1alpha1.StateSuspended: nil, v1alpha1.StateDeleted: nil,
	} {
		id := strings.ToLower(fmt.Sprintf("dying-%s", state))
		namespace := "flyte-" + id
		env.provisioned(id)
		policy := env.networkPolicies(namespace)[0]
		finalized := []string{"RoleBinding/workspace-admin", "RoleBinding/workspace-editor", policy}
		var removeFinalizers []func()
		for _, name := range finalized {
			removeFinalizers = append(removeFinalizers, env.addFinalizer(namespace, name))
		}
		must(t, env.admin.Delete(t.Context(), env.namespace(namespace)))
		env.await(id, v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonNamespaceTerminating)
		env.wantAccess(namespace, fullAccess)

		env.update(id, func(w *v1alpha1.Workspace) { w.Spec.Members, w.Spec.State = w.Spec.Members[:1], state })
		hasAccess := func(context.Context) error {
			if diff := cmp.Diff(want, env.access(namespace)); diff != "" {
				return fmt.Errorf("access to %s (-want +got):\n%s", id, diff)
			}
			return nil
		}
		eventually(t, hasAccess)
		env.applyDrift(namespace, drift{object: "RoleBinding/workspace-editor", change: addSubject})
		eventually(t, hasAccess)
		before, drifted := env.applyDrift(namespace, drift{object: policy, change: openIngress})
		env.awaitRepaired(namespace, before, policy, drifted)
		for _, release := range removeFinalizers {
			release()
		}
		env.await(id, v1alpha1.ConditionReady, map[v1alpha1.State]string{
			v1alpha1.StateActive: v1alpha1.ReasonReady, v1alpha1.StateSuspended: v1alpha1.ReasonSuspended,
			v1alpha1.StateDeleted: v1alpha1.ReasonDeleted,
		}[state])
	}
}

// A workspace without members is activated while its namespace is being purged.
func TestController_RevokesAccessDuringPurge(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	env.deleted("purged-access")
	const namespace = "flyte-purged-access"
	removeFinalizers := env.deleteWithFinalizer(namespace, "RoleBinding/workspace-viewer")
	env.advance(week, "purged-access")
	env.await("purged-access", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	env.wantAccess(namespace, reducedAccess)
	env.update("purged-access", func(w *v1alpha1.Workspace) { w.Spec.Members, w.Spec.State = nil, v1alpha1.StateActive })
	eventually(t, func(context.Context) error {
		if access := env.access(namespace); len(access) > 0 {
			return errors.New("still have access: " + strings.Join(access, ", "))
		}
		return nil
	})
	removeFinalizers()
	env.await("purged-access", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// Revoking access does not depend on the tier.
func TestController_RevokesAccessWhenTierReadFails(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("unread")
	env.reads.failTiers.Store(true)
	env.update("unread", func(w *v1alpha1.Workspace) { w.Spec.Members = w.Spec.Members[:1] })
	env.await("unread", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonKubernetesUnavailable)
	env.wantAccess("flyte-unread", []string{"workspace-admin: User ana@company.com"})
	env.reads.failTiers.Store(false)
	env.await("unread", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func TestController_RevokesAccessWhileFlyteIsDown(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("flytedown")
	env.flyte.SetUnavailable(true)
	env.setState("flytedown", v1alpha1.StateSuspended)
	w := env.await("flytedown", v1alpha1.ConditionReady, v1alpha1.ReasonFlyteUnavailable)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True AccessReduced",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=False FlyteUnavailable", "Ready=False FlyteUnavailable",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	env.wantAccess("flyte-flytedown", reducedAccess)
}

func TestController_RevokesAccessWithoutTier(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	own := tier("locked-tier")
	create(t, env.admin, own)
	w := env.workspace("tierless")
	w.Spec.Tier = own.Name
	create(t, env.admin, w)
	env.await("tierless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	must(t, env.admin.Delete(t.Context(), own))
	env.await("tierless", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	env.setState("tierless", v1alpha1.StateSuspended)
	env.await("tierless", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
	env.await("tierless", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonArchived)
	env.await("tierless", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonTierNotFound)
	env.wantSuspended("tierless")

	env.setState("tierless", v1alpha1.StateDeleted)
	got := env.await("tierless", v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True AccessReduced",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Archived", "Ready=True Deleted",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	env.wantSuspended("tierless")
	writes := env.requests.total()
	env.reconcile("tierless")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}
}

// Flyte hangs for reconcileTimeout, so a step that waited for Flyte would take longer than that.
func TestController_RevokesAccessWhileFlyteHangs(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{flyteTimeout: reconcileTimeout})
	env.provisioned("hung")
	release := env.flyte.Hang()
	defer release()
	const others = workers + maxFlyteCalls
	for i := range others {
		create(t, env.admin, env.workspace(fmt.Sprintf("hung-%d", i)))
	}
	env.update("hung", func(w *v1alpha1.Workspace) { w.Spec.Description = "Sent to Flyte" })
	eventually(t, func(context.Context) error {
		if calls := env.flyte.Calls()["GetProject"]; calls < maxFlyteCalls {
			return fmt.Errorf("only %d calls of Flyte hang", calls)
		}
		return nil
	})
	env.setState("hung", v1alpha1.StateSuspended)
	began := time.Now()
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(reducedAccess, env.access("flyte-hung")); diff != "" {
			return fmt.Errorf("access (-want +got):\n%s", diff)
		}
		return nil
	})
	took := time.Since(began)
	t.Logf("access was reduced after %s", took.Round(time.Millisecond))
	if took >= reconcileTimeout {
		t.Errorf("revoking access took %s: it waited for Flyte", took)
	}
	release()
	env.await("hung", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	for i := range others {
		env.await(fmt.Sprintf("hung-%d", i), v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
}

// While no replica leads, a RoleBinding loses our labels and the workspace is suspended: the cache does not show the RoleBinding.
func TestController_RevokesAccessOfUnlabelledRoleBinding(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("unlabelled")
	env.leadership.lose()
	env.awaitIdle()
	var binding rbacv1.RoleBinding
	must(t, env.admin.Get(t.Context(), client.ObjectKey{Namespace: "flyte-unlabelled", Name: "workspace-admin"}, &binding))
	binding.Labels = nil
	must(t, env.admin.Update(t.Context(), &binding))
	env.setState("unlabelled", v1alpha1.StateSuspended)
	env.awaitBindingNotCached(&binding)
	env.lead()
	env.await("unlabelled", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.wantAccess("flyte-unlabelled", reducedAccess)
}

// awaitBindingNotCached waits until the service's cache no longer shows an object.
func (env *testEnv) awaitBindingNotCached(o client.Object) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		err := env.mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(o), &rbacv1.RoleBinding{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("the cache still shows %s: %w", o.GetName(), err)
	})
}

// A RoleBinding grants access until it is gone, also while a finalizer blocks its deletion.
func TestController_RevokesAccessOfFinalizingRoleBinding(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("finalizing-access")
	const binding = "RoleBinding/workspace-editor"
	removeFinalizers := env.deleteWithFinalizer("flyte-finalizing-access", binding)
	env.await("finalizing-access", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonObjectTerminating)
	env.setState("finalizing-access", v1alpha1.StateSuspended)
	eventually(t, func(context.Context) error {
		o, err := env.object("flyte-finalizing-access", binding)
		if err != nil {
			return err
		}
		if _, has := o.Object["subjects"]; has {
			return errors.New("the RoleBinding still has subjects")
		}
		return nil
	})
	env.await("finalizing-access", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonObjectTerminating)
	removeFinalizers()
	env.await("finalizing-access", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
}
