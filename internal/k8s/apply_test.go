package k8s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// apply applies, and fails where that takes as long as if it waited for something that never comes.
func apply(t *testing.T, a *Applier, want client.Object) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, a.Apply(ctx, want))
}

func applyAll(t *testing.T, a *Applier, p *desired.Plan) {
	t.Helper()
	for _, want := range desiredtest.Objects(p) {
		apply(t, a, want)
	}
}

func TestApplier_CreatesOnceAndThenRests(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("at-rest")
	applyAll(t, k.applier(), p)
	if got, want := k.requests.since(), int64(len(desiredtest.Children(p))+1); got != want {
		t.Errorf("%d requests, want one create for each of %d objects", got, want)
	}
	for range 3 {
		applyAll(t, k.applier(), p)
	}
	if got := k.requests.since(); got != 0 {
		t.Errorf("%d requests at rest", got)
	}
}

// The quota controller and others write beside us; that must not wake us, nor must what is foreign.
func TestApplier_RestsBesideForeignChanges(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("foreign-parts")
	applyAll(t, k.applier(), p)
	for _, want := range desiredtest.Objects(p) {
		changeByHand(t, k, want, makeForeign)
	}
	k.requests.since()
	applyAll(t, k.applier(), p)
	if got := k.requests.since(); got != 0 {
		t.Errorf("%d requests", got)
	}
}

// changeByHand does what somebody with kubectl edit does, and waits until the cache has seen it.
func changeByHand(t *testing.T, k *kube, o client.Object, change func(client.Object)) client.Object {
	t.Helper()
	live := newOfKind(o)
	eventually(t, func(ctx context.Context) error { // others write status
		must(t, k.admin.Get(ctx, client.ObjectKeyFromObject(o), live))
		change(live)
		return k.admin.Update(ctx, live)
	})
	waitForCache(t, k, live)
	return live
}

// waitForCache returns when the cache shows o, or doesn't show it any more because it has lost our label.
func waitForCache(t *testing.T, k *kube, o client.Object) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		cached := newOfKind(o)
		err := k.cache.Get(ctx, client.ObjectKeyFromObject(o), cached)
		switch {
		case apierrors.IsNotFound(err) && o.GetLabels()[v1alpha1.LabelManagedBy] == "":
			return nil
		case err == nil && (cached.GetUID() != o.GetUID() || cachedHash(cached) != hash(o)):
			return errNotYet
		}
		return err
	})
}

// replaceByHand makes a change that the API server takes with a new object only.
func replaceByHand(t *testing.T, k *kube, o client.Object, change func(client.Object)) client.Object {
	t.Helper()
	must(t, k.admin.Delete(t.Context(), o.DeepCopyObject().(client.Object)))
	changed := o.DeepCopyObject().(client.Object)
	change(changed)
	must(t, k.admin.Create(t.Context(), changed))
	waitForCache(t, k, changed)
	return changed
}

func TestApplier_RepairsDrift(t *testing.T) {
	k := newKube(t)
	a := k.applier()
	for i, test := range drifts() {
		t.Run(test.name, func(t *testing.T) {
			p := desiredtest.Plan(fmt.Sprint("drift-", i))
			apply(t, a, p.NamespaceObject())
			want := test.object(p)
			apply(t, a, want)
			drift := func(o client.Object) { makeForeign(o); test.change(o) }
			var changed client.Object
			if test.byReplacing {
				changed = replaceByHand(t, k, want, drift)
			} else {
				changed = changeByHand(t, k, want, drift)
			}
			k.requests.since()
			apply(t, a, want)
			spent := k.requests.since()
			apply(t, a, want)
			if again, allowed := k.requests.since(), requestsFor(test, want, changed); !slices.Contains(allowed, spent) || again != 0 {
				t.Errorf("%d requests for the repair, want one of %d; %d after it", spent, allowed, again)
			}
			checkRepaired(t, k, want, changed, test.replaces)
		})
	}
}

// requestsFor are how many requests a repair may take.
func requestsFor(d drift, want, changed client.Object) (allowed []int64) {
	_, isQuota := want.(*corev1.ResourceQuota)
	switch {
	case d.replaces: // refused or unseen, a look, delete, create
		return []int64{4}
	case changed.GetLabels()[v1alpha1.LabelManagedBy] == "" && want.GetNamespace() != "": // unseen, a look, patch
		return []int64{3}
	case !differsInFields(hash(changed), hash(want)): // a look, patch
		return []int64{2}
	case isQuota: // the quota controller writes status, so that the cache may lag
		return []int64{1, 3}
	}
	return []int64{1}
}

// ofBefore is a client whose cache has not seen the newest change of an object.
type ofBefore struct{ client.Client }

func (c ofBefore) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	err := c.Client.Get(ctx, key, o, opts...)
	o.SetResourceVersion("1")
	return err
}

// What the cache shows may be of before; whatever was written since must be looked at.
func TestApplier_OverwritesOnlyWhatItHasSeen(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("overwriting")
	want := childNamed("workspace-isolation")(p)
	apply(t, k.applier(), p.NamespaceObject())
	apply(t, k.applier(), want)
	changed := changeByHand(t, k, want, driftOf("all ingress allowed").change)
	k.requests.since()
	apply(t, NewApplier(ofBefore{k.client}, k.live, desired.Owns), want)
	if spent := k.requests.since(); spent != 3 {
		t.Errorf("%d requests, want one that is refused, a look, and one that is right", spent)
	}
	live := newOfKind(want)
	must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
	if hash(live) != hash(want) || live.GetUID() != changed.GetUID() {
		t.Errorf("it is %v", ownedFields(live))
	}
}

// checkRepaired wants what is ours to be as it should, what is foreign to stay, and the object to be the same one
// unless it had to be replaced.
func checkRepaired(t *testing.T, k *kube, want, changed client.Object, replaced bool) {
	t.Helper()
	live := newOfKind(want)
	must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
	if diff := cmp.Diff(ownedFields(want), ownedFields(live)); hash(live) != hash(want) {
		t.Error(diff)
	}
	if got := live.GetUID() != changed.GetUID(); got != replaced {
		t.Errorf("replaced: %v, want %v", got, replaced)
	}
	theirs := live.GetAnnotations()["example.com/theirs"] == "b"
	if changed.GetLabels() != nil {
		theirs = theirs && live.GetLabels()["example.com/theirs"] == "a"
	}
	if !replaced && !theirs {
		t.Errorf("what is foreign has gone: %v, %v", live.GetLabels(), live.GetAnnotations())
	}
}

func TestApplier_NeverTouchesForeignNamespaces(t *testing.T) {
	k := newKube(t)
	tests := map[string]map[string]string{
		"foreign-bare":    nil,
		"foreign-other":   {v1alpha1.LabelWorkspace: "ws-002", v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		"foreign-empty":   {v1alpha1.LabelWorkspace: ""},
		"foreign-managed": {v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}
	for name, labels := range tests {
		t.Run(name, func(t *testing.T) {
			foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
			must(t, k.admin.Create(t.Context(), foreign))
			for range 2 {
				if err := k.applier().Apply(t.Context(), desiredtest.Plan(name).NamespaceObject()); !errors.Is(err, ErrForeign) {
					t.Fatalf("got %v", err)
				}
			}
			checkUntouched(t, k, foreign)
		})
	}
	t.Run("label removed", func(t *testing.T) {
		want := desiredtest.Plan("foreign-released").NamespaceObject()
		apply(t, k.applier(), want)
		released := changeByHand(t, k, want, func(o client.Object) { o.SetLabels(nil) })
		if err := k.applier().Apply(t.Context(), want); !errors.Is(err, ErrForeign) {
			t.Fatalf("got %v", err)
		}
		checkUntouched(t, k, released)
	})
}

func checkUntouched(t *testing.T, k *kube, before client.Object) {
	t.Helper()
	after := newOfKind(before)
	must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(before), after))
	if before.GetResourceVersion() != after.GetResourceVersion() {
		t.Error(cmp.Diff(before, after))
	}
}

const finalizer = "example.com/keep"

func TestApplier_WaitsForWhatIsBeingDeleted(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("terminating")
	a, config := k.applier(), childNamed("workspace-config")(p)
	apply(t, a, p.NamespaceObject())
	apply(t, a, config)
	changeByHand(t, k, config, func(o client.Object) { o.SetFinalizers([]string{finalizer}) })
	must(t, k.admin.Delete(t.Context(), config))
	eventually(t, waits(a, config, ErrFinalizing))
	must(t, k.admin.Delete(t.Context(), p.NamespaceObject()))
	eventually(t, waits(a, p.NamespaceObject(), ErrTerminating))
	eventually(t, waits(a, childNamed(desired.WorkloadServiceAccount)(p), ErrTerminating)) // not there, and can't be made there
	changeByHandLive(t, k, config, func(o client.Object) { o.SetFinalizers(nil) })
	eventually(t, func(ctx context.Context) error { return a.Apply(ctx, p.NamespaceObject()) })
	eventually(t, func(ctx context.Context) error { return a.Apply(ctx, config) })
}

func waits(a *Applier, o client.Object, want error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := a.Apply(ctx, o); !errors.Is(err, want) {
			return fmt.Errorf("got %v, want %w", err, want) //nolint:errorlint // err may be nil
		}
		return nil
	}
}

func changeByHandLive(t *testing.T, k *kube, o client.Object, change func(client.Object)) {
	t.Helper()
	live := newOfKind(o)
	must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(o), live))
	change(live)
	must(t, k.admin.Update(t.Context(), live))
}

// A finalizer on what must be replaced makes it wait, not fail.
func TestApplier_WaitsForWhatItReplaces(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("replacing")
	a, want := k.applier(), childNamed("workspace-viewer")(p)
	apply(t, a, p.NamespaceObject())
	apply(t, a, want)
	replaceByHand(t, k, want, on(func(o client.Object) {
		o.SetFinalizers([]string{finalizer})
		labelled("example.com/theirs", "a")(o)
		driftOf("another role").change(o)
	}))
	for range 2 {
		if err := a.Apply(t.Context(), want); !errors.Is(err, ErrFinalizing) {
			t.Errorf("got %v", err)
		}
	}
	eventually(t, func(ctx context.Context) error { // nobody has another role meanwhile
		held := &rbacv1.RoleBinding{}
		must(t, k.admin.Get(ctx, client.ObjectKeyFromObject(want), held))
		if len(held.Subjects) == 0 {
			return nil
		}
		_ = a.Apply(ctx, want)
		return errNotYet
	})
	eventually(t, waits(a, want, ErrFinalizing))
	changeByHandLive(t, k, want, func(o client.Object) { o.SetFinalizers(nil) })
	eventually(t, func(ctx context.Context) error { return a.Apply(ctx, want) })
}

func driftOf(name string) drift {
	for _, d := range drifts() {
		if d.name == name {
			return d
		}
	}
	panic("no drift " + name)
}

func TestApplier_SaysWhatItCouldNotApply(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("nowhere")
	err := k.applier().Apply(t.Context(), childNamed("workspace-config")(p))
	if !apierrors.IsNotFound(err) || !strings.HasPrefix(err.Error(), `applying ConfigMap "workspace-config" in namespace "nowhere": `) {
		t.Errorf("got %v", err)
	}
}
