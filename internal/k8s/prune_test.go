package k8s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// bindings are the sorted names of the RoleBindings in the namespace.
func bindings(ctx context.Context, t *testing.T, env *testEnv, namespace string) (all []string) {
	t.Helper()
	var list rbacv1.RoleBindingList
	must(t, env.Admin.List(ctx, &list, client.InNamespace(namespace)))
	for i := range list.Items {
		all = append(all, list.Items[i].Name)
	}
	slices.Sort(all)
	return all
}

// createBinding creates a copy of the viewers' RoleBinding under another name, with this field manager.
func createBinding(t *testing.T, env *testEnv, p *desired.Plan, name, manager string) {
	t.Helper()
	binding := child("workspace-viewer")(p).(*rbacv1.RoleBinding)
	binding.Name = name
	must(t, env.Admin.Create(t.Context(), binding, client.FieldOwner(manager)))
	waitForCache(t, env, binding)
}

func TestPrune_DeletesObsoleteObjects(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("pruning")
	a := env.applier()
	applyAll(t, a, p)
	createBinding(t, env, p, "workspace-owner", v1alpha1.ManagedBy) // by another version of the service
	createBinding(t, env, p, "of-a-member", "kubectl")
	updateAndSync(t, env, child("workspace-admin")(p), addForeignMetadata) // owned by its name, whatever its managers
	env.Requests.Reset()
	keep := []client.Object{child("workspace-viewer")(p)}
	prune := func(ctx context.Context) error {
		return a.Prune(ctx, env.Client, "pruning", []client.Object{&rbacv1.RoleBinding{}}, keep)
	}
	must(t, prune(t.Context()))
	if got := env.Requests.Reset(); got != 3 {
		t.Errorf("%d requests, want one for each of 3 objects", got)
	}
	if diff := cmp.Diff([]string{"of-a-member", "workspace-viewer"}, bindings(t.Context(), t, env, "pruning")); diff != "" {
		t.Error(diff)
	}
	eventually(t, func(ctx context.Context) error {
		if err := prune(ctx); err != nil {
			return err
		}
		if env.Requests.Reset() > 0 {
			return errNotYet // the cache still shows them
		}
		return nil
	})
}

// The cache does not show an object that lost our label. The API server does.
func TestPrune_FindsUnlabelledObjectsLive(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("pruning-live")
	a := env.applier()
	applyAll(t, a, p)
	updateAndSync(t, env, child("workspace-admin")(p), func(o client.Object) { o.SetLabels(nil) })
	keep := []client.Object{child("workspace-editor")(p), child("workspace-viewer")(p)}
	kinds := []client.Object{&rbacv1.RoleBinding{}}
	must(t, a.Prune(t.Context(), env.Client, "pruning-live", kinds, keep))
	if got := bindings(t.Context(), t, env, "pruning-live"); !slices.Contains(got, "workspace-admin") {
		t.Fatalf("an object that is not cached was pruned: %v", got)
	}
	must(t, a.Prune(t.Context(), env.Live, "pruning-live", kinds, keep))
	if diff := cmp.Diff([]string{"workspace-editor", "workspace-viewer"}, bindings(t.Context(), t, env, "pruning-live")); diff != "" {
		t.Error(diff)
	}
}

// A RoleBinding grants access until it is gone, so its subjects are removed while a finalizer blocks its deletion.
func TestPrune_RemovesSubjectsOfFinalizingRoleBinding(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("pruning-finalizing")
	a, admin := env.applier(), child("workspace-admin")(p)
	applyAll(t, a, p)
	updateAndSync(t, env, admin, func(o client.Object) { o.SetFinalizers([]string{finalizer}) })
	must(t, env.Admin.Delete(t.Context(), admin))
	eventually(t, func(ctx context.Context) error {
		err := a.Prune(ctx, env.Client, "pruning-finalizing", []client.Object{&rbacv1.RoleBinding{}}, nil)
		if !errors.Is(err, ErrFinalizing) {
			return errNotYet
		}
		live := &rbacv1.RoleBinding{}
		must(t, env.Admin.Get(ctx, client.ObjectKeyFromObject(admin), live))
		if len(live.Subjects) > 0 {
			return errNotYet
		}
		return nil
	})
	updateLive(t, env, admin, func(o client.Object) { o.SetFinalizers(nil) })
}

// staleList is a client whose cache still lists objects that were recreated since.
type staleList struct{ client.Client }

func (c staleList) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	err := c.Client.List(ctx, list, append(opts, &client.ListOptions{UnsafeDisableDeepCopy: new(false)})...)
	for i := range list.(*rbacv1.RoleBindingList).Items {
		list.(*rbacv1.RoleBindingList).Items[i].UID = types.UID("00000000-0000-0000-0000-000000000000")
	}
	return err
}

func TestPrune_KeepsObjectRecreatedSinceTheList(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("pruning-other")
	applyAll(t, env.applier(), p)
	before := bindings(t.Context(), t, env, "pruning-other")
	a := NewApplier(env.Client, env.Live, desired.Owns)
	err := a.Prune(t.Context(), staleList{env.Client}, "pruning-other", []client.Object{&rbacv1.RoleBinding{}}, nil)
	if !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, bindings(t.Context(), t, env, "pruning-other")); diff != "" {
		t.Error(diff)
	}
}

func TestFailureOf_PutsFailuresBeforeFinalizers(t *testing.T) {
	t.Parallel()
	finalizing, failure := fmt.Errorf("removing a: %w", ErrFinalizing), errors.New("removing b: the API server is down")
	for name, c := range map[string]struct {
		errs []error
		want error
	}{
		"none":              {[]error{nil, nil}, nil},
		"only a finalizer":  {[]error{nil, finalizing}, finalizing},
		"a finalizer first": {[]error{finalizing, nil, failure}, failure},
	} {
		if got := failureOf(c.errs); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
