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

// apply fails the test if Apply takes so long that it must be waiting for an event that never comes.
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

func TestApplier_SendsNothingAtSteadyState(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("steady-state")
	applyAll(t, env.applier(), p)
	if got, want := env.Requests.Reset(), int64(len(desiredtest.Children(p))+1); got != want {
		t.Errorf("%d requests, want one create for each of %d objects", got, want)
	}
	for range 3 {
		applyAll(t, env.applier(), p)
	}
	if got := env.Requests.Reset(); got != 0 {
		t.Errorf("%d requests at steady state", got)
	}
}

// Other controllers write status, labels and annotations of the same objects. That causes no request.
func TestApplier_IgnoresForeignChanges(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("foreign-metadata")
	applyAll(t, env.applier(), p)
	for _, want := range desiredtest.Objects(p) {
		updateAndSync(t, env, want, addForeignMetadata)
	}
	env.Requests.Reset()
	applyAll(t, env.applier(), p)
	if got := env.Requests.Reset(); got != 0 {
		t.Errorf("%d requests", got)
	}
}

func TestApplier_RepairsDrift(t *testing.T) {
	env := newTestEnv(t)
	a := env.applier()
	for i, test := range drifts() {
		t.Run(test.name, func(t *testing.T) {
			p := desiredtest.Plan(fmt.Sprint("drift-", i))
			apply(t, a, p.NamespaceObject())
			want := test.object(p)
			apply(t, a, want)
			drift := func(o client.Object) { addForeignMetadata(o); test.change(o) }
			var changed client.Object
			if test.immutable {
				changed = recreateAndSync(t, env, want, drift)
			} else {
				changed = updateAndSync(t, env, want, drift)
			}
			repairs := recordRepairs(a)
			env.Requests.Reset()
			apply(t, a, want)
			sent := env.Requests.Reset()
			apply(t, a, want)
			if len(*repairs) != 1 || (*repairs)[0].By == "" || (*repairs)[0].Deleted || len((*repairs)[0].Fields) == 0 {
				t.Errorf("reported the repairs %+v", *repairs)
			}
			if again, allowed := env.Requests.Reset(), allowedRequests(test, want, changed); !slices.Contains(allowed, sent) || again != 0 {
				t.Errorf("%d requests for the repair, want one of %d; %d after the repair", sent, allowed, again)
			}
			checkRepaired(t, env, want, changed, test.recreates)
		})
	}
}

// allowedRequests are the numbers of requests that a repair may take.
func allowedRequests(d drift, want, changed client.Object) (allowed []int64) {
	_, isQuota := want.(*corev1.ResourceQuota)
	switch {
	case d.recreates: // a refused or failing write, get, delete, create
		return []int64{4}
	case changed.GetLabels()[v1alpha1.LabelManagedBy] == "" && want.GetNamespace() != "": // not cached: a failing create, get, patch
		return []int64{3}
	case !differsInFields(hash(changed), hash(want)): // get, patch
		return []int64{2}
	case isQuota: // the cache may lag, since the quota controller writes status
		return []int64{1, 3}
	}
	return []int64{1}
}

// checkRepaired checks that our fields are as desired, that foreign metadata is still set, and that the object was replaced
// only if it had to be.
func checkRepaired(t *testing.T, env *testEnv, want, changed client.Object, replaced bool) {
	t.Helper()
	live := newOfKind(want)
	must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
	if diff := cmp.Diff(ownedFields(want), ownedFields(live)); hash(live) != hash(want) {
		t.Error(diff)
	}
	if got := live.GetUID() != changed.GetUID(); got != replaced {
		t.Errorf("replaced: %v, want %v", got, replaced)
	}
	hasForeign := live.GetAnnotations()["example.com/foreign"] == "b"
	if changed.GetLabels() != nil {
		hasForeign = hasForeign && live.GetLabels()["example.com/foreign"] == "a"
	}
	if !replaced && !hasForeign {
		t.Errorf("foreign metadata is gone: %v, %v", live.GetLabels(), live.GetAnnotations())
	}
}

// staleCache is a client whose cache does not show the newest change of an object.
type staleCache struct{ client.Client }

func (c staleCache) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	err := c.Client.Get(ctx, key, o, opts...)
	o.SetResourceVersion("1")
	return err
}

// A patch of the cached version is refused if the object changed since. Then the live object is read.
func TestApplier_ReadsLiveWhenCacheIsStale(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("overwriting")
	want := child("workspace-isolation")(p)
	apply(t, env.applier(), p.NamespaceObject())
	apply(t, env.applier(), want)
	changed := updateAndSync(t, env, want, driftNamed("all ingress allowed").change)
	env.Requests.Reset()
	apply(t, NewApplier(staleCache{env.Client}, env.Live, desired.Owns), want)
	if sent := env.Requests.Reset(); sent != 3 {
		t.Errorf("%d requests, want a refused patch, a get and a patch", sent)
	}
	live := newOfKind(want)
	must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
	if hash(live) != hash(want) || live.GetUID() != changed.GetUID() {
		t.Errorf("the live object has %v", ownedFields(live))
	}
}

func TestApplier_NeverWritesForeignNamespaces(t *testing.T) {
	env := newTestEnv(t)
	tests := map[string]map[string]string{
		"foreign-bare":    nil,
		"foreign-other":   {v1alpha1.LabelWorkspace: "ws-002", v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		"foreign-empty":   {v1alpha1.LabelWorkspace: ""},
		"foreign-managed": {v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}
	for name, labels := range tests {
		t.Run(name, func(t *testing.T) {
			foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
			must(t, env.Admin.Create(t.Context(), foreign))
			for range 2 {
				if err := env.applier().Apply(t.Context(), desiredtest.Plan(name).NamespaceObject()); !errors.Is(err, ErrForeign) {
					t.Fatalf("got %v", err)
				}
			}
			checkUnchanged(t, env, foreign)
		})
	}
	t.Run("label removed", func(t *testing.T) {
		want := desiredtest.Plan("foreign-released").NamespaceObject()
		apply(t, env.applier(), want)
		released := updateAndSync(t, env, want, func(o client.Object) { o.SetLabels(nil) })
		if err := env.applier().Apply(t.Context(), want); !errors.Is(err, ErrForeign) {
			t.Fatalf("got %v", err)
		}
		checkUnchanged(t, env, released)
	})
}

func checkUnchanged(t *testing.T, env *testEnv, before client.Object) {
	t.Helper()
	after := newOfKind(before)
	must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(before), after))
	if before.GetResourceVersion() != after.GetResourceVersion() {
		t.Error(cmp.Diff(before, after))
	}
}

func TestApplier_WaitsForTerminatingObjects(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("terminating")
	a, config := env.applier(), child("workspace-config")(p)
	apply(t, a, p.NamespaceObject())
	apply(t, a, config)
	updateAndSync(t, env, config, func(o client.Object) { o.SetFinalizers([]string{finalizer}) })
	must(t, env.Admin.Delete(t.Context(), config))
	eventually(t, failsWith(a, config, ErrFinalizing))
	must(t, env.Admin.Delete(t.Context(), p.NamespaceObject()))
	eventually(t, failsWith(a, p.NamespaceObject(), ErrTerminating))
	eventually(t, failsWith(a, child(desired.WorkloadServiceAccount)(p), ErrTerminating)) // nothing can be created in it
	updateLive(t, env, config, func(o client.Object) { o.SetFinalizers(nil) })
	eventually(t, func(ctx context.Context) error { return a.Apply(ctx, p.NamespaceObject()) })
	eventually(t, func(ctx context.Context) error { return a.Apply(ctx, config) })
}

func failsWith(a *Applier, o client.Object, want error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := a.Apply(ctx, o); !errors.Is(err, want) {
			return fmt.Errorf("got %v, want %w", err, want) //nolint:errorlint // err may be nil
		}
		return nil
	}
}

// If a finalizer blocks the deletion of an object that must be replaced, Apply waits. It does not fail.
func TestApplier_WaitsForFinalizerBeforeReplacing(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("replacing")
	a, want := env.applier(), child("workspace-viewer")(p)
	apply(t, a, p.NamespaceObject())
	apply(t, a, want)
	recreateAndSync(t, env, want, edit(func(o client.Object) {
		o.SetFinalizers([]string{finalizer})
		setLabel("example.com/foreign", "a")(o)
		driftNamed("another role").change(o)
	}))
	for range 2 {
		if err := a.Apply(t.Context(), want); !errors.Is(err, ErrFinalizing) {
			t.Errorf("got %v", err)
		}
	}
	eventually(t, func(ctx context.Context) error { // meanwhile the other role has no subjects
		live := &rbacv1.RoleBinding{}
		must(t, env.Admin.Get(ctx, client.ObjectKeyFromObject(want), live))
		if len(live.Subjects) == 0 {
			return nil
		}
		_ = a.Apply(ctx, want)
		return errNotYet
	})
	eventually(t, failsWith(a, want, ErrFinalizing))
	updateLive(t, env, want, func(o client.Object) { o.SetFinalizers(nil) })
	eventually(t, func(ctx context.Context) error { return a.Apply(ctx, want) })
}

func TestApplier_ErrorNamesObject(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("nowhere")
	err := env.applier().Apply(t.Context(), child("workspace-config")(p))
	if !apierrors.IsNotFound(err) || !strings.HasPrefix(err.Error(), `applying ConfigMap "workspace-config" in namespace "nowhere": `) {
		t.Errorf("got %v", err)
	}
}
