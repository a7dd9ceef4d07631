package k8s

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

func TestHash_ChangesWithOwnedFields(t *testing.T) {
	for _, test := range drifts() {
		t.Run(test.name, func(t *testing.T) {
			want := test.object(desiredtest.Plan("flyte-ws-001"))
			have := want.DeepCopyObject().(client.Object)
			test.change(have)
			if hash(have) == hash(want) {
				t.Error("the hash has not changed")
			}
		})
	}
}

func TestHash_IgnoresForeignMetadata(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	for _, want := range desiredtest.Objects(p) {
		have := want.DeepCopyObject().(client.Object)
		addForeignMetadata(have)
		have.SetResourceVersion("7")
		have.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl"}})
		if quota, ok := have.(*corev1.ResourceQuota); ok {
			quota.Status.Used = corev1.ResourceList{"pods": one()}
		}
		if hash(have) != hash(want) {
			t.Errorf("%s: the hash has changed", describe(want))
		}
	}
}

// Defaults that the API server sets are no drift. Otherwise each Apply would write the object again.
func TestHash_IsUnchangedByServerDefaults(t *testing.T) {
	env := newTestEnv(t)
	quantities := []v1alpha1.Quantity{"0", "0.5", "500m", "1.5Gi", "1024Ki", "1000", "1000k", "0.001m", "999999999.999Pi", "012"}
	changes := desiredtest.Variants()
	for i, q := range quantities {
		changes[fmt.Sprintf("quantity-%d", i)] = func(p *desired.Plan) {
			p.Tier.Spec.Quota.Maximum = v1alpha1.TierAmounts{}
			p.Workspace.Spec.Quota = v1alpha1.Quota{CPU: q, Memory: q, Storage: q, GPU: "007", Pods: "0010"}
			p.Tier.Spec.LimitRange = v1alpha1.LimitRange{Max: v1alpha1.ComputeResources{CPU: q}, Default: v1alpha1.ComputeResources{Memory: q}}
		}
	}
	changes["only-minimum"] = func(p *desired.Plan) {
		p.Tier.Spec.LimitRange = v1alpha1.LimitRange{Min: v1alpha1.ComputeResources{CPU: "10m", Memory: "1Mi"}}
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			p := desiredtest.Plan("hash-" + name)
			change(p)
			for _, want := range desiredtest.Objects(p) {
				have := want.DeepCopyObject().(client.Object)
				must(t, env.Admin.Create(t.Context(), have))
				must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(want), have))
				if diff := cmp.Diff(ownedFields(want), ownedFields(have)); hash(have) != hash(want) {
					t.Errorf("%s: %s", describe(want), diff)
				}
			}
		})
	}
}

// Labels and annotations that the tier drops are removed. Foreign ones are not.
func TestOverwriteOwned_RemovesDroppedTierMetadata(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Namespace.Domain, p.Tier.Spec = "production", desiredtest.RichTier()
	live := p.NamespaceObject()
	live.Labels["foreign"], live.Annotations["company.com/foreign"] = "stays", "stays"
	if hash(live) != hash(p.NamespaceObject()) {
		t.Error("foreign labels and annotations change the hash")
	}
	p.Tier.Spec.Namespace = v1alpha1.TierNamespace{}
	want := p.NamespaceObject()
	if hash(live) == hash(want) {
		t.Error("dropped tier metadata does not change the hash")
	}
	overwriteOwned(live, want)
	if hash(live) != hash(want) {
		t.Error("the overwritten object has another hash")
	}
	want.Labels["foreign"] = "stays"
	want.Annotations = map[string]string{"company.com/foreign": "stays"}
	if diff := cmp.Diff(want, live); diff != "" {
		t.Error(diff)
	}
}

func TestHash_DetectsTierMetadataDrift(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Namespace.Domain, p.Tier.Spec = "production", desiredtest.RichTier()
	for name, change := range map[string]func(*corev1.Namespace){
		"label altered":      func(n *corev1.Namespace) { n.Labels["company.com/tier"] = "x" },
		"label removed":      func(n *corev1.Namespace) { delete(n.Labels, "team.company.com/unit") },
		"annotation altered": func(n *corev1.Namespace) { n.Annotations["company.com/console"] = "x" },
		"annotation removed": func(n *corev1.Namespace) { delete(n.Annotations, "company.com/console") },
		"keys removed":       func(n *corev1.Namespace) { delete(n.Annotations, v1alpha1.AnnotationTierKeys) },
		"keys malformed":     func(n *corev1.Namespace) { n.Annotations[v1alpha1.AnnotationTierKeys] = "{" },
		"keys extended": func(n *corev1.Namespace) {
			n.Annotations[v1alpha1.AnnotationTierKeys] = `{"labels":["foreign"]}`
		},
	} {
		live, want := p.NamespaceObject(), p.NamespaceObject()
		change(live)
		if hash(live) == hash(want) {
			t.Errorf("%s: the hash has not changed", name)
		}
		overwriteOwned(live, want)
		if diff := cmp.Diff(want.Labels, live.Labels); diff != "" || hash(live) != hash(want) {
			t.Errorf("%s: not repaired: %s", name, diff)
		}
	}
}
