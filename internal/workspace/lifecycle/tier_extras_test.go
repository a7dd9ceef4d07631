package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func richNetwork() v1alpha1.TierNetwork {
	return v1alpha1.TierNetwork{
		EKSPodIdentity: true, PrivateEndpoints: []v1alpha1.OpenCIDR{"10.1.0.0/16"},
		Egress: []v1alpha1.EgressRule{{
			CIDR: "10.2.0.0/16", Except: []v1alpha1.CIDR{"10.2.3.0/24"}, Ports: []v1alpha1.NetworkPort{{Port: 8000, EndPort: 8010}},
		}},
		Scrapers: []v1alpha1.Scraper{{Namespace: "monitoring", Ports: []v1alpha1.NetworkPort{{Port: 9090}}}},
	}
}

// The policy comes with the tier's wish, is kept as it is, and goes with the wish.
func TestController_KeepsTheTiersPolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTierOf("opened", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = richNetwork() })
	made := s.tierPolicy("opened")
	if made == nil || len(made.Spec.Egress) != 3 || len(made.Spec.Ingress) != 1 {
		t.Fatalf("the policy is %+v", made)
	}
	must(t, s.admin.Delete(t.Context(), made))
	s.awaitTierPolicy("opened", made.Spec)
	widened := s.tierPolicy("opened")
	widened.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
	must(t, s.admin.Update(t.Context(), widened))
	s.awaitTierPolicy("opened", made.Spec)

	writes := s.requests.total()
	s.reconcile("opened")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, s.requests.writes())
	}
	s.changeTier("opened-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = v1alpha1.TierNetwork{} })
	eventually(t, func(context.Context) error {
		if s.tierPolicy("opened") != nil {
			return errors.New("the policy is still there")
		}
		return nil
	})
	s.await("opened", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// tierPolicy is nil where there is none.
func (s *stage) tierPolicy(id string) *networkingv1.NetworkPolicy {
	s.t.Helper()
	policy := &networkingv1.NetworkPolicy{}
	err := s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: "flyte-" + id, Name: "allow-tier"}, policy)
	if apierrors.IsNotFound(err) {
		return nil
	}
	must(s.t, err)
	return policy
}

func (s *stage) awaitTierPolicy(id string, want networkingv1.NetworkPolicySpec) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		policy := s.tierPolicy(id)
		if policy == nil {
			return errors.New("there is no policy")
		}
		if diff := cmp.Diff(want, policy.Spec); diff != "" {
			return fmt.Errorf("the policy (-want +got):\n%s", diff)
		}
		return nil
	})
}

// What the tier puts on namespace and account is kept, what others put there stays, and what the tier drops goes.
func TestController_KeepsAndPrunesExtras(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTierOf("extras", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Namespace = v1alpha1.TierNamespace{
			Labels: map[string]v1alpha1.LabelValue{"company.com/tier": "rich"}, WorkspaceLabels: []string{"cost-center"},
			Annotations: v1alpha1.Annotations{"company.com/id": "{workspace}/{namespace}"},
		}
		spec.ServiceAccount.Annotations = v1alpha1.Annotations{"eks.amazonaws.com/role-arn": "role/{workspace}"}
	})
	given := map[string]string{
		"company.com/tier": "rich", "cost-center": "42", "company.com/id": "extras/flyte-extras",
		"eks.amazonaws.com/role-arn": "role/extras",
	}
	s.awaitExtras("extras", given)
	namespace, account := s.namespace("flyte-extras"), s.workload("extras")
	namespace.Labels["company.com/tier"], namespace.Labels["company.com/foreign"] = "other", "stays"
	delete(namespace.Annotations, "company.com/id")
	account.Annotations = map[string]string{"company.com/foreign-annotation": "stays"}
	must(t, s.admin.Update(t.Context(), namespace))
	must(t, s.admin.Update(t.Context(), account))
	given["company.com/foreign"], given["company.com/foreign-annotation"] = "stays", "stays"
	s.awaitExtras("extras", given)

	s.changeTier("extras-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Namespace, spec.ServiceAccount = v1alpha1.TierNamespace{}, v1alpha1.TierServiceAccount{}
	})
	s.awaitExtras("extras", map[string]string{"company.com/foreign": "stays", "company.com/foreign-annotation": "stays"})
	s.await("extras", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	writes := s.requests.total()
	s.reconcile("extras")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, s.requests.writes())
	}
}

// awaitExtras waits until namespace and account have exactly these labels and annotations beside those of the service.
func (s *stage) awaitExtras(id string, want map[string]string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		namespace, account := s.namespace("flyte-"+id), s.workload(id)
		got := map[string]string{}
		for _, all := range []map[string]string{namespace.Labels, namespace.Annotations, account.Annotations} {
			for key, value := range all {
				if key == "cost-center" || len(key) > 12 && key[:12] == "company.com/" || key == "eks.amazonaws.com/role-arn" {
					got[key] = value
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("extras (-want +got):\n%s", diff)
		}
		return nil
	})
}
