package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// What the tier put there goes when the tier drops it, and what others put there stays.
func TestOverwriteOwned_RemovesWhatTheTierDrops(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Namespace.Domain, p.Tier.Spec = "production", desiredtest.RichTier()
	live := p.NamespaceObject()
	live.Labels["foreign"], live.Annotations["company.com/foreign"] = "stays", "stays"
	if hash(live) != hash(p.NamespaceObject()) {
		t.Error("foreign labels and annotations look like drift")
	}
	p.Tier.Spec.Namespace = v1alpha1.TierNamespace{}
	want := p.NamespaceObject()
	if hash(live) == hash(want) {
		t.Error("tier metadata that must go look as desired")
	}
	overwriteOwned(live, want)
	if hash(live) != hash(want) {
		t.Error("an overwritten object still drifts")
	}
	want.Labels["foreign"] = "stays"
	want.Annotations = map[string]string{"company.com/foreign": "stays"}
	if diff := cmp.Diff(want, live); diff != "" {
		t.Error(diff)
	}
}

func TestHash_SeesDriftOfTierMetadata(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Namespace.Domain, p.Tier.Spec = "production", desiredtest.RichTier()
	for name, change := range map[string]func(*corev1.Namespace){
		"label altered":      func(n *corev1.Namespace) { n.Labels["company.com/tier"] = "x" },
		"label removed":      func(n *corev1.Namespace) { delete(n.Labels, "team.company.com/unit") },
		"annotation altered": func(n *corev1.Namespace) { n.Annotations["company.com/console"] = "x" },
		"annotation removed": func(n *corev1.Namespace) { delete(n.Annotations, "company.com/console") },
		"note removed":       func(n *corev1.Namespace) { delete(n.Annotations, v1alpha1.AnnotationTierKeys) },
		"note broken":        func(n *corev1.Namespace) { n.Annotations[v1alpha1.AnnotationTierKeys] = "{" },
		"note extended": func(n *corev1.Namespace) {
			n.Annotations[v1alpha1.AnnotationTierKeys] = `{"labels":["foreign"]}`
		},
	} {
		live, want := p.NamespaceObject(), p.NamespaceObject()
		change(live)
		if hash(live) == hash(want) {
			t.Errorf("%s looks as desired", name)
		}
		overwriteOwned(live, want)
		if diff := cmp.Diff(want.Labels, live.Labels); diff != "" || hash(live) != hash(want) {
			t.Errorf("%s is not repaired: %s", name, diff)
		}
	}
}
