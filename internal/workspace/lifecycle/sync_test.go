package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestController_RepairsDrift(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("drift")
	const namespace = "flyte-drift"
	var times []time.Duration
	for _, d := range allDrifts(childrenOfActive) {
		before, drifted := env.applyDrift(namespace, d)
		times = append(times, env.awaitRepaired(namespace, before, d.object, drifted))
	}
	for _, object := range childrenOfActive {
		before, err := env.object(namespace, object)
		must(t, err)
		must(t, env.admin.Delete(t.Context(), before.DeepCopy()))
		times = append(times, env.awaitRepaired(namespace, before, object, before.GetResourceVersion()))
	}
	slices.Sort(times)
	t.Logf("%d drifts were repaired: median %s, p99 %s, at most %s", len(times),
		times[len(times)/2].Round(time.Millisecond), times[len(times)*99/100].Round(time.Millisecond),
		times[len(times)-1].Round(time.Millisecond))

	w := env.await("drift", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if changes := env.requests.writes()["PATCH workspaces/status"]; changes != 1 {
		t.Errorf("repairs wrote the status %d times, to %v", changes-1, w.Status)
	}
}

func TestController_ReplacesChangedRoleRef(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("roleref")
	before, err := env.object("flyte-roleref", "RoleBinding/workspace-editor")
	must(t, err)
	must(t, env.admin.Delete(t.Context(), before.DeepCopy()))
	// If the controller recreates its own first, delete that again.
	var other *unstructured.Unstructured
	eventually(t, func(context.Context) error {
		other = before.DeepCopy()
		other.SetResourceVersion("")
		other.SetUID("")
		set("workspace-flyte-integration-tenant-admin", "roleRef", "name")(other)
		err := env.admin.Create(t.Context(), other)
		if err != nil {
			_ = env.admin.Delete(t.Context(), before.DeepCopy())
		}
		return err
	})
	env.awaitRepaired("flyte-roleref", before, "RoleBinding/workspace-editor", other.GetResourceVersion())
}

func TestController_PrunesUndesiredRoleBinding(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("extra")
	extra := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{
			Name: "workspace-viewer", Namespace: "flyte-extra",
			Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "guests"}},
	}
	create(t, env.admin, extra)
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(childrenOfActive, env.childNames("flyte-extra")); diff != "" {
			return fmt.Errorf("objects (-want +got):\n%s", diff)
		}
		return nil
	})
}

// Obsolete limits are pruned only after the desired limits are applied. Obsolete RoleBindings are pruned at once.
func TestController_PrunesAfterReplacementIsApplied(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("renamed", func(*v1alpha1.WorkspaceTierSpec) {})
	must(t, env.admin.Delete(t.Context(), tier("renamed-tier"))) // without it, the desired limits are not known
	env.await("renamed", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonTierNotFound)

	meta := metav1.ObjectMeta{Namespace: "flyte-renamed", Name: "old", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}
	quota := &corev1.ResourceQuota{ObjectMeta: meta}
	binding := &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}}
	for _, o := range []client.Object{quota, binding} {
		must(t, env.admin.Create(t.Context(), o, client.FieldOwner(v1alpha1.ManagedBy)))
	}
	env.awaitDeleted(binding)
	env.reconcile("renamed")
	must(t, env.admin.Get(t.Context(), client.ObjectKeyFromObject(quota), quota))

	create(t, env.admin, tier("renamed-tier"))
	env.await("renamed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.awaitDeleted(quota)
}

func TestController_KeepsForeignObjectsAndMetadata(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("foreign")
	const namespace = "flyte-foreign"
	writes := env.requests.total()
	addForeignMetadata := func(o *unstructured.Unstructured) {
		setLabel("team.company.com/cost", "42")(o)
		o.SetAnnotations(map[string]string{"team.company.com/note": "ours"})
	}
	for _, object := range append([]string{"Namespace"}, childrenOfActive...) {
		env.applyDrift(namespace, drift{object: object, change: addForeignMetadata})
	}
	for _, object := range foreignObjects(namespace) {
		create(t, env.admin, object)
	}
	env.reconcile("foreign")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes because of foreign additions: %v", n, env.requests.writes())
	}

	// Repairs keep the foreign additions.
	for _, d := range ownedDrifts {
		before, drifted := env.applyDrift(namespace, d)
		if d.name == "altered and made immutable" {
			before.SetAnnotations(nil) // an immutable object is recreated
			dropLabel("team.company.com/cost")(before)
		}
		env.awaitRepaired(namespace, before, d.object, drifted)
	}
	names := env.childNames(namespace)
	for _, kind := range childKinds {
		if !slices.Contains(names, kind.Kind+"/foreign") {
			t.Errorf("the foreign %s is gone", kind.Kind)
		}
	}
}

func foreignPodTemplate(foreign metav1.ObjectMeta) *corev1.PodTemplate {
	template := &corev1.PodTemplate{ObjectMeta: foreign}
	template.Template.Spec.Containers = []corev1.Container{{Name: "foreign", Image: "foreign"}}
	return template
}

// foreignObjects has one object of another client for each of childKinds.
func foreignObjects(namespace string) []client.Object {
	foreign := metav1.ObjectMeta{Name: "foreign", Namespace: namespace}
	return []client.Object{
		&corev1.ConfigMap{ObjectMeta: foreign}, &corev1.LimitRange{ObjectMeta: foreign}, &corev1.ResourceQuota{ObjectMeta: foreign},
		&corev1.ServiceAccount{ObjectMeta: foreign}, foreignPodTemplate(foreign), &networkingv1.NetworkPolicy{ObjectMeta: foreign},
		&rbacv1.RoleBinding{ObjectMeta: foreign, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}},
	}
}

func TestController_ReportsFinalizingObject(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("finalizing")
	removeFinalizers := env.deleteWithFinalizer("flyte-finalizing", "ConfigMap/workspace-config")
	w := env.await("finalizing", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonObjectTerminating)
	want := []string{
		"NamespaceReady=False ObjectTerminating", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=False ObjectTerminating",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	removeFinalizers()
	env.await("finalizing", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(childrenOfActive, env.childNames("flyte-finalizing")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// keepApplying applies the drift again each time it is repaired, until stop is called.
func (env *testEnv) keepApplying(namespace string, d drift) (stop func()) {
	env.t.Helper()
	ctx, cancel := context.WithCancel(env.t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for last := ""; ctx.Err() == nil; <-ticker.C {
			o, err := env.object(namespace, d.object)
			if err != nil || o.GetResourceVersion() == last {
				continue
			}
			d.change(o)
			if env.admin.Update(ctx, o) == nil {
				last = o.GetResourceVersion()
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

func TestController_ThrottlesContestedObject(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("contested")
	const policy = "NetworkPolicy/workspace-isolation"
	before, err := env.object("flyte-contested", policy)
	must(t, err)
	stop := env.keepApplying("flyte-contested", drift{object: policy, change: set([]any{map[string]any{}}, "spec", "ingress")})
	defer stop()
	env.await("contested", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonContested)
	env.await("contested", v1alpha1.ConditionReady, v1alpha1.ReasonContested)
	env.setState("contested", v1alpha1.StateSuspended) // other steps go on
	env.await("contested", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
	env.await("contested", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonContested)
	if n := env.requests.writes()["PATCH networkpolicies"]; n > 25 {
		t.Errorf("the policy was written %d times", n)
	}
	stop()
	env.awaitRepaired("flyte-contested", before, policy, "")
}
