package life

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var externalSecrets = schema.GroupVersionKind{Group: "external-secrets.io", Version: "v1", Kind: "ExternalSecret"}

// installExternalSecrets installs a CRD of this kind, while the service runs.
func installExternalSecrets(t *testing.T, env *harness.Env) {
	t.Helper()
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "externalsecrets." + externalSecrets.Group},
		"spec": map[string]any{
			"group": externalSecrets.Group, "scope": "Namespaced",
			"names": map[string]any{"plural": "externalsecrets", "kind": externalSecrets.Kind},
			"versions": []any{map[string]any{
				"name": externalSecrets.Version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "properties": map[string]any{
						"spec": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
					},
				}},
			}},
		},
	}}
	harness.Must(t, client.IgnoreAlreadyExists(env.Admin.Create(t.Context(), crd)))
}

// TestTierObjectsFollowTheTier changes, deletes and drops the objects of a documented tier, under the chart's rights and policies.
func TestTierObjectsFollowTheTier(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	installExternalSecrets(t, env)
	tiers, _ := readTiers(t, "../../docs/tiers.md")
	templates := map[string][]v1alpha1.TierObject{}
	for _, tier := range tiers {
		templates[tier.Name] = tier.Spec.Objects
	}
	const id, namespace = "objects", "flyte-objects"
	env.Tier(t, id, func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates["equipped"] })
	env.CreateOnTier(t, harness.Data(id, 1), id)
	for kind, name := range map[schema.GroupVersionKind]string{
		{Version: "v1", Kind: "ConfigMap"}: "plugin", externalSecrets: id + "-database",
	} {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		key := client.ObjectKey{Namespace: namespace, Name: name}
		harness.Must(t, env.Admin.Get(t.Context(), key, object))
		made := object.DeepCopy()
		const drift = `{"metadata": {"labels": null}, "data": null, "spec": null}`
		harness.Must(t, env.Admin.Patch(t.Context(), object, client.RawPatch("application/merge-patch+json", []byte(drift))))
		isRestored := func(ctx context.Context) bool {
			return env.Admin.Get(ctx, key, object) == nil && object.GetLabels()[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy &&
				(object.Object["data"] != nil || object.Object["spec"] != nil)
		}
		harness.Eventually(t, "the object to be repaired", isRestored)
		harness.Must(t, env.Admin.Delete(t.Context(), made))
		harness.Eventually(t, "the object to exist again", isRestored)
		env.ChangeTier(t, id, func(spec *v1alpha1.WorkspaceTierSpec) {
			for i := range spec.Objects {
				if spec.Objects[i].Kind == kind.Kind {
					spec.Objects = append(spec.Objects[:i:i], spec.Objects[i+1:]...)
					return
				}
			}
		})
		harness.Eventually(t, "the object to be gone", func(ctx context.Context) bool {
			return apierrors.IsNotFound(env.Admin.Get(ctx, key, object))
		})
	}
}
