package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

func TestPlan_OmitsAnnotationsWithoutDomainValue(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Tier.Spec = desiredtest.RichTier()
	want := map[string]string{
		"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/flyte-ws-001",
		v1alpha1.AnnotationTierKeys:  `{"annotations":["eks.amazonaws.com/role-arn"]}`,
	}
	if diff := cmp.Diff(want, workloadIdentity(p).Annotations); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"company.com/console", "iam.gke.io/gcp-service-account"}, p.UnrenderedAnnotations()); diff != "" {
		t.Error(diff)
	}
	p.Namespace.Domain = "production"
	if keys := p.UnrenderedAnnotations(); len(keys) > 0 {
		t.Errorf("omitted: %v", keys)
	}
}

// The CRD rejects such keys. The plan omits them too, in case the cluster has an older CRD.
func TestPlan_OmitsReservedKeys(t *testing.T) {
	p, q := desiredtest.Plan("flyte-ws-001"), desiredtest.Plan("flyte-ws-001")
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

func workloadIdentity(p *desired.Plan) *corev1.ServiceAccount {
	objects := p.Access().Objects
	return objects[len(objects)-1].(*corev1.ServiceAccount)
}
