package k8s

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

func TestStripToIdentity_MarksWhatTheServiceAloneHasWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		managers []string
		want     bool
	}{
		"the service":                {[]string{v1alpha1.ManagedBy}, true},
		"another manager":            {[]string{"helm"}, false},
		"no manager":                 {nil, false},
		"another one beside it":      {[]string{v1alpha1.ManagedBy, "kubectl"}, false},
		"a manager of similar name":  {[]string{v1alpha1.ManagedBy + "-2"}, false},
		"a status of another beside": {[]string{v1alpha1.ManagedBy, "kube-controller-manager/status"}, true},
	} {
		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-ws-001", Name: "workspace-owner"}}
		for _, manager := range c.managers {
			manager, subresource, _ := strings.Cut(manager, "/")
			binding.ManagedFields = append(binding.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource})
		}
		cached, err := stripToIdentity(binding)
		must(t, err)
		if got := isMadeByUs(cached.(client.Object)); got != c.want {
			t.Errorf("%s: marked %t", name, got)
		}
	}
}

// bindings are the names of the RoleBindings in the namespace.
func bindings(ctx context.Context, t *testing.T, k *kube, namespace string) (all []string) {
	t.Helper()
	var list rbacv1.RoleBindingList
	must(t, k.admin.List(ctx, &list, client.InNamespace(namespace)))
	for i := range list.Items {
		all = append(all, list.Items[i].Name)
	}
	slices.Sort(all)
	return all
}

// madeAs creates a copy of the viewers' RoleBinding under another name, by a client of that name.
func madeAs(t *testing.T, k *kube, p *desired.Plan, name, manager string) {
	t.Helper()
	binding := childNamed("workspace-viewer")(p).(*rbacv1.RoleBinding)
	binding.Name = name
	must(t, k.admin.Create(t.Context(), binding, client.FieldOwner(manager)))
	waitForCache(t, k, binding)
}

func TestApplier_PrunesWhatIsOursAndNotDesired(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("pruning")
	a := k.applier()
	applyAll(t, a, p)
	madeAs(t, k, p, "workspace-owner", v1alpha1.ManagedBy) // of another version of the service
	madeAs(t, k, p, "of-a-member", "kubectl")
	changeByHand(t, k, childNamed("workspace-admin")(p), makeForeign) // its name is ours, whoever wrote it last
	k.requests.since()
	keep := []client.Object{childNamed("workspace-viewer")(p)}
	prune := func(ctx context.Context) error {
		return a.Prune(ctx, k.client, "pruning", []client.Object{&rbacv1.RoleBinding{}}, keep)
	}
	must(t, prune(t.Context()))
	if got := k.requests.since(); got != 3 {
		t.Errorf("%d requests, want one for each of 3 objects", got)
	}
	if diff := cmp.Diff([]string{"of-a-member", "workspace-viewer"}, bindings(t.Context(), t, k, "pruning")); diff != "" {
		t.Error(diff)
	}
	eventually(t, func(ctx context.Context) error {
		if err := prune(ctx); err != nil {
			return err
		}
		if k.requests.since() > 0 {
			return errNotYet // the cache has not seen the end of them
		}
		return nil
	})
}

// The cache does not show what has lost our label; the API server does.
func TestApplier_PrunesLiveWhatHasLostItsLabel(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("pruning-live")
	a := k.applier()
	applyAll(t, a, p)
	changeByHand(t, k, childNamed("workspace-admin")(p), func(o client.Object) { o.SetLabels(nil) })
	keep := []client.Object{childNamed("workspace-editor")(p), childNamed("workspace-viewer")(p)}
	kinds := []client.Object{&rbacv1.RoleBinding{}}
	must(t, a.Prune(t.Context(), k.client, "pruning-live", kinds, keep))
	if got := bindings(t.Context(), t, k, "pruning-live"); !slices.Contains(got, "workspace-admin") {
		t.Fatalf("the cache shows what it can't: %v", got)
	}
	must(t, a.Prune(t.Context(), k.live, "pruning-live", kinds, keep))
	if diff := cmp.Diff([]string{"workspace-editor", "workspace-viewer"}, bindings(t.Context(), t, k, "pruning-live")); diff != "" {
		t.Error(diff)
	}
}

// A RoleBinding that a finalizer keeps grants until it is gone.
func TestApplier_DisarmsWhatAFinalizerKeeps(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("disarming")
	a, admin := k.applier(), childNamed("workspace-admin")(p)
	applyAll(t, a, p)
	changeByHand(t, k, admin, func(o client.Object) { o.SetFinalizers([]string{finalizer}) })
	must(t, k.admin.Delete(t.Context(), admin))
	eventually(t, func(ctx context.Context) error {
		err := a.Prune(ctx, k.client, "disarming", []client.Object{&rbacv1.RoleBinding{}}, nil)
		if !errors.Is(err, ErrFinalizing) {
			return errNotYet
		}
		live := &rbacv1.RoleBinding{}
		must(t, k.admin.Get(ctx, client.ObjectKeyFromObject(admin), live))
		if len(live.Subjects) > 0 {
			return errNotYet
		}
		return nil
	})
	changeByHandLive(t, k, admin, func(o client.Object) { o.SetFinalizers(nil) })
}

// outdated is a client whose cache still shows objects that have been replaced since.
type outdated struct{ client.Client }

func (c outdated) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	err := c.Client.List(ctx, list, append(opts, &client.ListOptions{UnsafeDisableDeepCopy: new(false)})...)
	for i := range list.(*rbacv1.RoleBindingList).Items {
		list.(*rbacv1.RoleBindingList).Items[i].UID = types.UID("00000000-0000-0000-0000-000000000000")
	}
	return err
}

func TestApplier_PrunesOnlyWhatItHasSeen(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("pruning-other")
	applyAll(t, k.applier(), p)
	before := bindings(t.Context(), t, k, "pruning-other")
	a := NewApplier(k.client, k.live, desired.Owns)
	err := a.Prune(t.Context(), outdated{k.client}, "pruning-other", []client.Object{&rbacv1.RoleBinding{}}, nil)
	if !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, bindings(t.Context(), t, k, "pruning-other")); diff != "" {
		t.Error(diff)
	}
}
