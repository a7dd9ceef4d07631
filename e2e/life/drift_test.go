package life

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestDriftIsRepaired changes and deletes each kind of object. The service repairs it with the rights that the chart grants, and under the
// chart's policies.
func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	awaitPolicies(t)
	const id, namespace = "drift", "flyte-drift"
	env.Tier(t, id, func(spec *v1alpha1.WorkspaceTierSpec) { // so that there is one object of each kind
		spec.Workload.PodTemplate = &v1alpha1.TierPodTemplate{Restricted: true}
	})
	data := harness.Data(id, 1)
	env.CreateOnTier(t, data, id)
	before := labelsByObject(env.Children(t, namespace))
	if len(before) < len(harness.Kinds()) {
		t.Fatalf("the workspace has only %v", before)
	}

	env.RemoveLabels(t, namespace)
	for _, object := range env.Children(t, namespace) {
		harness.Must(t, env.Admin.Delete(t.Context(), object))
	}
	harness.Eventually(t, "all objects to exist again", func(context.Context) bool {
		return cmp.Equal(before, labelsByObject(env.Children(t, namespace)))
	})
	repairsNamespace(t, namespace)
	replacesImmutable(t, namespace)

	data.Version, data.Tier, data.Members = 2, id, data.Members[:1]
	env.Deliver(t, harness.NewMessage(t, workspace.EventUpdated, data))
	harness.Eventually(t, "the binding of a role without members to be gone", func(ctx context.Context) bool {
		key := client.ObjectKey{Namespace: namespace, Name: "workspace-editor"}
		return apierrors.IsNotFound(env.Admin.Get(ctx, key, &rbacv1.RoleBinding{}))
	})
}

func labelsByObject(objects []client.Object) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, object := range objects {
		all[object.GetObjectKind().GroupVersionKind().Kind+" "+object.GetName()] = object.GetLabels()
	}
	return all
}

// repairsNamespace weakens Pod Security, and leaves another client's label alone.
func repairsNamespace(t *testing.T, name string) {
	t.Helper()
	env := shared.Env()
	namespace := harness.Get(t, env, &corev1.Namespace{}, "", name)
	weak := namespace.DeepCopy()
	weak.Labels["pod-security.kubernetes.io/enforce"] = "privileged"
	weak.Labels["pod-security.kubernetes.io/enforce-version"] = "v1.20"
	weak.Labels["team.company.com/cost"] = "42"
	delete(weak.Labels, v1alpha1.LabelManagedBy)
	harness.Must(t, env.Admin.Patch(t.Context(), weak, client.MergeFrom(namespace)))
	want := namespace.Labels
	want["team.company.com/cost"] = "42"
	harness.Eventually(t, "the namespace to be as it was", func(ctx context.Context) bool {
		err := env.Admin.Get(ctx, harness.Key(name), namespace)
		return err == nil && cmp.Equal(want, namespace.Labels)
	})
}

// replacesImmutable makes the ConfigMap immutable with other data.
func replacesImmutable(t *testing.T, namespace string) {
	t.Helper()
	env := shared.Env()
	config := harness.Get(t, env, &corev1.ConfigMap{}, namespace, "workspace-config")
	config.Immutable, config.Data["owner"] = new(true), "someone"
	harness.Must(t, env.Admin.Update(t.Context(), config))
	harness.Eventually(t, "another ConfigMap instead of the immutable one", func(ctx context.Context) bool {
		var now corev1.ConfigMap
		err := env.Admin.Get(ctx, client.ObjectKeyFromObject(config), &now)
		return err == nil && now.UID != config.UID && now.Data["owner"] == "ana@company.com"
	})
}
