package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestPlan_LeavesAnnotationsOutThatWantADomain(t *testing.T) {
	p := samplePlan("flyte-ws-001")
	p.Tier.Spec = richTier()
	want := map[string]string{
		"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/flyte-ws-001",
		v1alpha1.AnnotationExtras:    `{"annotations":["eks.amazonaws.com/role-arn"]}`,
	}
	if diff := cmp.Diff(want, p.WorkloadIdentity().Annotations); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"company.com/console", "iam.gke.io/gcp-service-account"}, p.Unfilled()); diff != "" {
		t.Error(diff)
	}
	p.Namespace.Domain = "production"
	if keys := p.Unfilled(); len(keys) > 0 {
		t.Errorf("left out: %v", keys)
	}
}

// The CRD refuses such keys; the builders hold even where the CRD was an older one.
func TestPlan_NeverPutsReservedKeysOnNamespaces(t *testing.T) {
	p, q := samplePlan("flyte-ws-001"), samplePlan("flyte-ws-001")
	for _, key := range []string{
		"pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/enforce-version", "kubernetes.io/metadata.name",
		v1alpha1.LabelWorkspace, v1alpha1.LabelManagedBy, v1alpha1.LabelDomain, "scheduler.alpha.kubernetes.io/node-selector",
	} {
		tier := v1alpha1.TierNamespace{
			Labels:      map[string]v1alpha1.LabelValue{key: "x"},
			Annotations: v1alpha1.Annotations{key: "x"}, WorkspaceLabels: []string{key},
		}
		p.Tier.Spec.Namespace = tier
		p.Workspace.Spec.Labels = map[string]v1alpha1.LabelValue{key: "x"}
		if diff := cmp.Diff(q.NamespaceObject(), p.NamespaceObject()); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

// What the tier put there goes when the tier drops it, and what others put there stays.
func TestAdopt_PrunesExtras(t *testing.T) {
	p := samplePlan("flyte-ws-001")
	p.Namespace.Domain, p.Tier.Spec = "production", richTier()
	live := p.NamespaceObject()
	live.Labels["foreign"], live.Annotations["company.com/foreign"] = "stays", "stays"
	if digest(live) != digest(p.NamespaceObject()) {
		t.Error("foreign labels and annotations look like drift")
	}
	p.Tier.Spec.Namespace = v1alpha1.TierNamespace{}
	want := p.NamespaceObject()
	if digest(live) == digest(want) {
		t.Error("extras that must go look like rest")
	}
	adopt(live, want)
	if digest(live) != digest(want) {
		t.Error("an adopted object still drifts")
	}
	want.Labels["foreign"] = "stays"
	want.Annotations = map[string]string{"company.com/foreign": "stays"}
	if diff := cmp.Diff(want, live); diff != "" {
		t.Error(diff)
	}
}

func TestDigest_SeesDriftOfExtras(t *testing.T) {
	p := samplePlan("flyte-ws-001")
	p.Namespace.Domain, p.Tier.Spec = "production", richTier()
	for name, change := range map[string]func(*corev1.Namespace){
		"label altered":      func(n *corev1.Namespace) { n.Labels["company.com/tier"] = "x" },
		"label removed":      func(n *corev1.Namespace) { delete(n.Labels, "team.company.com/unit") },
		"annotation altered": func(n *corev1.Namespace) { n.Annotations["company.com/console"] = "x" },
		"annotation removed": func(n *corev1.Namespace) { delete(n.Annotations, "company.com/console") },
		"note removed":       func(n *corev1.Namespace) { delete(n.Annotations, v1alpha1.AnnotationExtras) },
		"note broken":        func(n *corev1.Namespace) { n.Annotations[v1alpha1.AnnotationExtras] = "{" },
		"note extended": func(n *corev1.Namespace) {
			n.Annotations[v1alpha1.AnnotationExtras] = `{"labels":["foreign"]}`
		},
	} {
		live, want := p.NamespaceObject(), p.NamespaceObject()
		change(live)
		if digest(live) == digest(want) {
			t.Errorf("%s looks like rest", name)
		}
		adopt(live, want)
		if diff := cmp.Diff(want.Labels, live.Labels); diff != "" || digest(live) != digest(want) {
			t.Errorf("%s is not repaired: %s", name, diff)
		}
	}
}
