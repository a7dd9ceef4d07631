package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
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

// policy is the isolation policy of a workspace with one namespace.
func (env *testEnv) policy(id string) *networkingv1.NetworkPolicy {
	env.t.Helper()
	policy := &networkingv1.NetworkPolicy{}
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Namespace: "flyte-" + id, Name: isolation}, policy))
	return policy
}

func (env *testEnv) awaitPolicy(id string, want networkingv1.NetworkPolicySpec) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		policy := &networkingv1.NetworkPolicy{}
		if err := env.admin.Get(ctx, client.ObjectKey{Namespace: "flyte-" + id, Name: isolation}, policy); err != nil {
			return err
		}
		if diff := cmp.Diff(want, policy.Spec); diff != "" {
			return fmt.Errorf("the policy (-want +got):\n%s", diff)
		}
		return nil
	})
}

// The tier's network rules are applied, repaired, and removed with the tier's network.
func TestController_AppliesTierNetworkRules(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("no-tier-rules")
	isolated := env.policy("no-tier-rules").Spec
	env.provisionedOnTier("opened", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = richNetwork() })
	created := env.policy("opened")
	egress, ingress := len(created.Spec.Egress)-len(isolated.Egress), len(created.Spec.Ingress)-len(isolated.Ingress)
	if egress != 4 || ingress != 1 {
		t.Fatalf("the tier adds %d and %d rules: %+v", egress, ingress, created)
	}
	must(t, env.admin.Delete(t.Context(), created))
	env.awaitPolicy("opened", created.Spec)
	allowAll := env.policy("opened")
	allowAll.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
	must(t, env.admin.Update(t.Context(), allowAll))
	env.awaitPolicy("opened", created.Spec)

	writes := env.requests.total()
	env.reconcile("opened")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}
	env.changeTier("opened-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = v1alpha1.TierNetwork{} })
	env.awaitPolicy("opened", isolated)
	env.await("opened", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// The rules of a tier are removed when the workspace is no longer allowed on it. The condition reports that.
func TestController_RemovesNetworkRulesOfLostTier(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("closed-network")
	isolated := env.policy("closed-network").Spec
	env.provisionedOnTier("lost-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Network = richNetwork() })
	withTierRules := env.policy("lost-tier").Spec
	const says = "the namespaces are isolated, and what the tier opens is closed"

	env.changeTier("lost-tier-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"others-*"} })
	message := env.conditionMessage("lost-tier", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonTierNotAllowed)
	if !strings.Contains(message, says) {
		t.Errorf("the message is %q", message)
	}
	env.awaitPolicy("lost-tier", isolated)

	must(t, env.admin.Delete(t.Context(), tier("lost-tier-tier")))
	message = env.conditionMessage("lost-tier", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonTierNotFound)
	if !strings.Contains(message, says) {
		t.Errorf("the message is %q", message)
	}
	env.awaitPolicy("lost-tier", isolated)

	again := tier("lost-tier-tier")
	again.Spec.Network = richNetwork()
	create(t, env.admin, again)
	env.await("lost-tier", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.awaitPolicy("lost-tier", withTierRules)
}

// When the cluster does not enforce NetworkPolicies, the condition says so. Everything else is provisioned.
func TestController_ReportsPoliciesThatAreNotEnforced(t *testing.T) {
	t.Parallel()
	var notEnforced atomic.Bool
	env := newTestEnv(t, envOptions{networkNotEnforced: notEnforced.Load})
	env.provisioned("not-enforced")
	isolated := env.policy("not-enforced").Spec
	for _, reached := range []bool{true, false} {
		notEnforced.Store(reached)
		env.relisted <- struct{}{}
		if !reached {
			env.await("not-enforced", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonApplied)
			env.await("not-enforced", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			break
		}
		message := env.conditionMessage("not-enforced", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonNotEnforced)
		if !strings.Contains(message, "install a network plugin that enforces NetworkPolicies") {
			t.Errorf("the message is %q", message)
		}
		env.await("not-enforced", v1alpha1.ConditionReady, v1alpha1.ReasonNotEnforced)
		env.await("not-enforced", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonApplied)
	}
	env.awaitPolicy("not-enforced", isolated)
}

// The test writes the API server's EndpointSlice. It is not parallel, since that affects the workspaces of other tests.
func TestController_FollowsAPIServerAddresses(t *testing.T) { //nolint:paralleltest // see above
	env := newTestEnv(t, envOptions{})
	own := tier("drivers")
	own.Spec.Workload.Role = v1alpha1.WorkloadSpark
	create(t, env.admin, own)
	for _, id := range []string{"driver-1", "driver-2"} {
		w := env.workspace(id)
		w.Spec.Tier = own.Name
		create(t, env.admin, w)
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
	env.provisioned("no-driver")
	service := &corev1.Service{}
	must(t, env.admin.Get(t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "kubernetes"}, service))
	clusterIP := service.Spec.ClusterIP
	env.awaitAPIServer(clusterIP)

	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "kubernetes"},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(6443))}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.77.0.1"}}},
	}
	create(t, env.admin, slice)
	defer func() { _ = env.admin.Delete(context.WithoutCancel(t.Context()), slice) }() // if the test fails
	env.awaitAPIServer(clusterIP, "10.77.0.1")
	slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.77.0.2"}})
	must(t, env.admin.Update(t.Context(), slice))
	env.awaitAPIServer(clusterIP, "10.77.0.1", "10.77.0.2")
	slice.Endpoints = slice.Endpoints[1:]
	must(t, env.admin.Update(t.Context(), slice))
	env.awaitAPIServer(clusterIP, "10.77.0.2")
	must(t, env.admin.Delete(t.Context(), slice))
	env.awaitAPIServer(clusterIP)
	if all := allowedAddresses(env.policy("no-driver")); len(all) > 0 {
		t.Errorf("a tier without a role allows %v", all)
	}
}

// awaitAPIServer waits until the policies of both drivers allow exactly these addresses.
func (env *testEnv) awaitAPIServer(want ...string) {
	env.t.Helper()
	slices.Sort(want)
	for _, id := range []string{"driver-1", "driver-2"} {
		eventually(env.t, func(context.Context) error {
			if diff := cmp.Diff(want, allowedAddresses(env.policy(id))); diff != "" {
				return fmt.Errorf("addresses that %s allows (-want +got):\n%s", id, diff)
			}
			return nil
		})
	}
}

// allowedAddresses are the single addresses that the egress rules of a policy allow.
func allowedAddresses(policy *networkingv1.NetworkPolicy) (all []string) {
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

// legacyPolicies are the policies of earlier versions of the service.
func legacyPolicies(namespace string) (all []*networkingv1.NetworkPolicy) {
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

// During an upgrade from a version with several policies, one policy isolates all pods in both directions at any time. One of the
// legacy policies was edited by another client.
func TestController_ReplacesLegacyPoliciesWithoutGap(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("former-policies")
	const namespace = "flyte-former-policies"
	env.leadership.lose()
	env.awaitIdle()
	for _, former := range legacyPolicies(namespace) {
		must(t, env.admin.Create(t.Context(), former, client.FieldOwner(v1alpha1.ManagedBy)))
		if former.Name == "allow-egress" {
			former.Annotations = map[string]string{"company.com/note": "edited"}
			must(t, env.admin.Update(t.Context(), former, client.FieldOwner("kubectl")))
		}
	}
	must(t, env.admin.Delete(t.Context(), env.policy("former-policies")))
	seen := env.watchPolicies(namespace)
	env.lead()
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
		if _, denied := present["default-deny"]; !denied && present[isolation] == nil && event.Type == watch.Deleted {
			t.Fatalf("after %s of %s nothing isolates the namespace", event.Type, policy.Name)
		}
	}
	if len(present) != 1 || present[isolation] == nil {
		t.Fatalf("the watch ended with %v", present)
	}
	env.await("former-policies", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// watchPolicies sends the existing policies of a namespace and their changes for two minutes.
func (env *testEnv) watchPolicies(namespace string) <-chan watch.Event {
	env.t.Helper()
	watcher, err := client.NewWithWatch(shared.Cluster(env.t).Config(), client.Options{Scheme: env.mgr.GetScheme()})
	must(env.t, err)
	limit := &client.ListOptions{Raw: &metav1.ListOptions{TimeoutSeconds: new(int64(120))}}
	watching, err := watcher.Watch(env.t.Context(), &networkingv1.NetworkPolicyList{}, client.InNamespace(namespace), limit)
	must(env.t, err)
	env.t.Cleanup(watching.Stop)
	return watching.ResultChan()
}
