package desired_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

func TestOwns(t *testing.T) {
	for _, o := range desiredtest.Children(workloadPlan()) {
		switch o.(type) {
		case *corev1.ServiceAccount, *corev1.ConfigMap: // these kinds are never pruned
		default:
			if !desired.Owns(o) {
				t.Errorf("%T %q is not ours", o, o.GetName())
			}
		}
		o.SetName("of-a-member")
		if desired.Owns(o) {
			t.Errorf("a %T with another name is ours", o)
		}
	}
	ofClass := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "workspace-priority-high"}}
	if !desired.Owns(ofClass) {
		t.Error("the ResourceQuota of a priority class is not ours")
	}
	former := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "allow-egress"}}
	if !desired.Owns(former) {
		t.Error("a NetworkPolicy of an earlier version is not ours")
	}
}

func workloadPlan() *desired.Plan {
	p := desiredtest.Plan("flyte-ws-001")
	desiredtest.Variants()["workload"](p)
	return p
}
