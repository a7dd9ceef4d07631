package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const isolation = "workspace-isolation"

func richNetwork() v1alpha1.TierNetwork {
	return v1alpha1.TierNetwork{
		EKSPodIdentity: true, PrivateEndpoints: []v1alpha1.OpenCIDR{"10.1.0.0/16"},
		Egress: []v1alpha1.EgressRule{{
			CIDR: "10.2.0.0/16", Except: []v1alpha1.CIDR{"10.2.3.0/24"}, Ports: []v1alpha1.NetworkPort{{Port: 8000, EndPort: 8010}},
		}},
		Namespaces: []v1alpha1.NamespacePods{{Namespace: "databases", Ports: []v1alpha1.NetworkPort{{Port: 5432}}}},
		Scrapers:   []v1alpha1.NamespacePods{{Namespace: "monitoring", Ports: []v1alpha1.NetworkPort{{Port: 9090}}}},
	}
}

// policy is the isolation of a workspace with one namespace.
func (s *stage) policy(id string) *networkingv1.NetworkPolicy {
	s.t.Helper()
	policy := &networkingv1.NetworkPolicy{}
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: "flyte-" + id, Name: isolation}, policy))
	return policy
}

func (s *stage) awaitPolicy(id string, want networkingv1.NetworkPolicySpec) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		policy := &networkingv1.NetworkPolicy{}
		if err := s.admin.Get(ctx, client.ObjectKey{Namespace: "flyte-" + id, Name: isolation}, policy); err != nil {
			return err
		}
		if diff := cmp.Diff(want, policy.Spec); diff != "" {
			return fmt.Errorf("the policy (-want +got):\n%s", diff)
		}
		return nil
	})
}

// What the tier opens comes and goes with the tier's network, and is repaired.
func TestController_OpensWhatTheTierOpens(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("unopened")
	closed := s.policy("unopened").Spec
	s.onTierOf("opened", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = richNetwork() })
	made := s.policy("opened")
	if egress, ingress := len(made.Spec.Egress)-len(closed.Egress), len(made.Spec.Ingress)-len(closed.Ingress); egress != 4 || ingress != 1 {
		t.Fatalf("the tier adds %d and %d rules: %+v", egress, ingress, made)
	}
	must(t, s.admin.Delete(t.Context(), made))
	s.awaitPolicy("opened", made.Spec)
	widened := s.policy("opened")
	widened.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
	must(t, s.admin.Update(t.Context(), widened))
	s.awaitPolicy("opened", made.Spec)

	writes := s.requests.total()
	s.reconcile("opened")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, s.requests.writes())
	}
	s.changeTier("opened-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = v1alpha1.TierNetwork{} })
	s.awaitPolicy("opened", closed)
	s.await("opened", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// What a tier opened is closed when the workspace may be on it no more, and the condition says so.
func TestController_ClosesWhatAMissingTierOpened(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("never-opened")
	closed := s.policy("never-opened").Spec
	s.onTierOf("left-alone", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = richNetwork() })
	opened := s.policy("left-alone").Spec
	const says = "the namespaces are isolated, and what the tier opens is closed"

	s.changeTier("left-alone-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"others-*"} })
	message := s.message("left-alone", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonTierNotAllowed)
	if !strings.Contains(message, says) {
		t.Errorf("the message is %q", message)
	}
	s.awaitPolicy("left-alone", closed)

	must(t, s.admin.Delete(t.Context(), tier("left-alone-tier")))
	message = s.message("left-alone", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonTierNotFound)
	if !strings.Contains(message, says) {
		t.Errorf("the message is %q", message)
	}
	s.awaitPolicy("left-alone", closed)

	again := tier("left-alone-tier")
	again.Spec.Network = richNetwork()
	create(t, s.admin, again)
	s.await("left-alone", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.awaitPolicy("left-alone", opened)
}

// TestController_FollowsTheAPIServer writes the EndpointSlice of the API server, as an API server with an address of its own
// would. It runs alone: what it writes concerns the workspaces of other tests too.
func TestController_FollowsTheAPIServer(t *testing.T) { //nolint:paralleltest // see above
	s := newStage(t, stageOptions{})
	own := tier("drivers")
	own.Spec.Workload.Role = v1alpha1.WorkloadSpark
	create(t, s.admin, own)
	for _, id := range []string{"driver-1", "driver-2"} {
		w := s.workspace(id)
		w.Spec.Tier = own.Name
		create(t, s.admin, w)
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
	s.provisioned("no-driver")
	service := &corev1.Service{}
	must(t, s.admin.Get(t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "kubernetes"}, service))
	clusterIP := service.Spec.ClusterIP
	s.awaitAPIServer(clusterIP)

	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "kubernetes"},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(6443))}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.77.0.1"}}},
	}
	create(t, s.admin, slice)
	defer func() { _ = s.admin.Delete(context.WithoutCancel(t.Context()), slice) }() // where the test fails
	s.awaitAPIServer(clusterIP, "10.77.0.1")
	slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.77.0.2"}})
	must(t, s.admin.Update(t.Context(), slice))
	s.awaitAPIServer(clusterIP, "10.77.0.1", "10.77.0.2")
	slice.Endpoints = slice.Endpoints[1:]
	must(t, s.admin.Update(t.Context(), slice))
	s.awaitAPIServer(clusterIP, "10.77.0.2")
	must(t, s.admin.Delete(t.Context(), slice))
	s.awaitAPIServer(clusterIP)
	if all := openedAddresses(s.policy("no-driver")); len(all) > 0 {
		t.Errorf("a tier without a role opens %v", all)
	}
}

// awaitAPIServer waits until the policies of both drivers open exactly these addresses.
func (s *stage) awaitAPIServer(want ...string) {
	s.t.Helper()
	slices.Sort(want)
	for _, id := range []string{"driver-1", "driver-2"} {
		eventually(s.t, func(context.Context) error {
			if diff := cmp.Diff(want, openedAddresses(s.policy(id))); diff != "" {
				return fmt.Errorf("addresses that %s opens (-want +got):\n%s", id, diff)
			}
			return nil
		})
	}
}

// openedAddresses are the single addresses that the rules of a policy open.
func openedAddresses(policy *networkingv1.NetworkPolicy) (all []string) {
	for _, rule := range policy.Spec.Egress {
		for _, peer := range rule.To {
			if peer.IPBlock == nil {
				continue
			}
			if address, single := strings.CutSuffix(peer.IPBlock.CIDR, "/32"); single {
				all = append(all, address)
			}
		}
	}
	slices.Sort(all)
	return all
}

// formerPolicies are as earlier versions of the service made them.
func formerPolicies(namespace string) (all []*networkingv1.NetworkPolicy) {
	both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	everywhere := []networkingv1.NetworkPolicyEgressRule{{}}
	for name, spec := range map[string]networkingv1.NetworkPolicySpec{
		"default-deny":         {PolicyTypes: both},
		"allow-same-namespace": {PolicyTypes: both},
		"allow-dns":            {PolicyTypes: both[1:], Egress: everywhere},
		"allow-flyte":          {PolicyTypes: both[1:], Egress: everywhere},
		"allow-egress":         {PolicyTypes: both[1:], Egress: everywhere},
		"allow-tier":           {PolicyTypes: both[1:], Egress: everywhere},
	} {
		all = append(all, &networkingv1.NetworkPolicy{Spec: spec, ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		}})
	}
	return all
}

// TestController_ReplacesFormerPolicies watches the policies of a namespace while the service takes it over from the version
// that made several: at every moment one of them isolates all pods in both directions. One was edited by hand.
func TestController_ReplacesFormerPolicies(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("former-policies")
	const namespace = "flyte-former-policies"
	s.leadership.lose()
	s.awaitIdle()
	for _, former := range formerPolicies(namespace) {
		must(t, s.admin.Create(t.Context(), former, client.FieldOwner(v1alpha1.ManagedBy)))
		if former.Name == "allow-egress" {
			former.Annotations = map[string]string{"company.com/note": "edited"}
			must(t, s.admin.Update(t.Context(), former, client.FieldOwner("kubectl")))
		}
	}
	must(t, s.admin.Delete(t.Context(), s.policy("former-policies")))
	seen := s.watchPolicies(namespace)
	s.lead()
	present := map[string]*networkingv1.NetworkPolicy{}
	for event := range seen {
		policy := event.Object.(*networkingv1.NetworkPolicy)
		delete(present, policy.Name)
		if event.Type != watch.Deleted {
			present[policy.Name] = policy
		}
		if len(present) == 1 && present[isolation] != nil {
			break
		}
		if _, begun := present["default-deny"]; !begun && present[isolation] == nil && event.Type == watch.Deleted {
			t.Fatalf("after %s of %s nothing isolates the namespace", event.Type, policy.Name)
		}
	}
	if len(present) != 1 || present[isolation] == nil {
		t.Fatalf("the watch ended with %v", present)
	}
	s.await("former-policies", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// watchPolicies sends the policies of a namespace, those that are there first, for two minutes.
func (s *stage) watchPolicies(namespace string) <-chan watch.Event {
	s.t.Helper()
	watcher, err := client.NewWithWatch(shared.Cluster(s.t).Config(), client.Options{Scheme: s.mgr.GetScheme()})
	must(s.t, err)
	limit := &client.ListOptions{Raw: &metav1.ListOptions{TimeoutSeconds: new(int64(120))}}
	watching, err := watcher.Watch(s.t.Context(), &networkingv1.NetworkPolicyList{}, client.InNamespace(namespace), limit)
	must(s.t, err)
	s.t.Cleanup(watching.Stop)
	return watching.ResultChan()
}
