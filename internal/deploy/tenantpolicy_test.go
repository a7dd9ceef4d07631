package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func serviceOf(namespace string, change func(*corev1.Service)) *corev1.Service {
	o := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-"}}
	o.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	change(o)
	return o
}

func secretOf(namespace string, kind corev1.SecretType) *corev1.Secret {
	account := map[string]string{corev1.ServiceAccountNameKey: "pods"}
	meta := metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-", Annotations: account}
	return &corev1.Secret{ObjectMeta: meta, Type: kind}
}

// The rules apply to workspaces only, and to objects that RBAC and Pod Security let a member create there.
func TestTenantPolicy_HoldsInWorkspacesAlone(t *testing.T) {
	member, inside := asMemberOf(t, "admin", map[string]string{workspaceLabel: "tenants", enforceLabel: "baseline"})
	other, outside := asMemberOf(t, "admin", map[string]string{enforceLabel: "baseline"})
	accountForPods(t, inside)
	accountForPods(t, outside)
	for name, c := range tenantCases() {
		t.Run(name, func(t *testing.T) {
			awaitAnswer(t, member, c.object(inside), c.refusal == "")
			if c.refusal == "" {
				return
			}
			if err := member.Create(t.Context(), c.object(inside), client.DryRunAll); !isDenied(err, c.refusal) {
				t.Errorf("got %v, want a refusal that says %q", err, c.refusal)
			}
			if err := other.Create(t.Context(), c.object(outside), client.DryRunAll); err != nil {
				t.Errorf("outside of workspaces: %v", err)
			}
		})
	}
}

// tenantCase is an object, and the message of the policy that refuses it, or "".
type tenantCase struct {
	object  func(namespace string) client.Object
	refusal string
}

func tenantCases() map[string]tenantCase {
	service := func(change func(*corev1.Service)) func(string) client.Object {
		return func(n string) client.Object { return serviceOf(n, change) }
	}
	secret := func(kind corev1.SecretType) func(string) client.Object {
		return func(n string) client.Object { return secretOf(n, kind) }
	}
	const annotations = "in workspaces have none of these annotations"
	cases := map[string]tenantCase{
		"a service":             {service(func(*corev1.Service) {}), ""},
		"a headless service":    {service(headless), ""},
		"an external name":      {service(externalName), "of type ClusterIP"},
		"an external address":   {service(externalIP), "no externalIPs"},
		"a load balancer":       {service(loadBalancer), "of type ClusterIP"},
		"a node port":           {service(nodePort), "of type ClusterIP"},
		"a name in the DNS":     {service(annotated("external-dns.alpha.kubernetes.io/hostname")), "Services " + annotations},
		"another name":          {service(annotated("dns.alpha.kubernetes.io/external")), "Services " + annotations},
		"a way in":              {service(annotated("tailscale.com/expose")), "Services " + annotations},
		"a harmless annotation": {service(annotated("prometheus.io/scrape")), ""},
		"a secret":              {secret(corev1.SecretTypeOpaque), ""},
		"an account's token":    {secret(corev1.SecretTypeServiceAccountToken), "tokens that never expire"},
	}
	for name, c := range podCases() {
		cases["a pod: "+name] = tenantCase{func(n string) client.Object { return podOf(n, c.change) }, c.refusal}
	}
	return cases
}

func accountForPods(t *testing.T, namespace string) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pods"}}
	if err := clientFor(t, installed(t)).Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
}

func annotated(key string) func(*corev1.Service) {
	return func(s *corev1.Service) { s.Annotations = map[string]string{key: "x"} }
}
func headless(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone }
func externalName(s *corev1.Service) {
	s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "db.company.com"
}
func externalIP(s *corev1.Service)   { s.Spec.ExternalIPs = []string{"8.8.8.8"} }
func loadBalancer(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeLoadBalancer }
func nodePort(s *corev1.Service)     { s.Spec.Type = corev1.ServiceTypeNodePort }

// An object from before the policies may stay, and its other fields may be changed.
func TestTenantPolicy_LeavesWhatWasThere(t *testing.T) {
	member, namespace := asMemberOf(t, "admin", map[string]string{enforceLabel: "baseline"})
	accountForPods(t, namespace)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "control-plane-1"}} // without it the pod would be removed
	if err := clientFor(t, installed(t)).Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	service := serviceOf(namespace, func(s *corev1.Service) { externalIP(s); nodePort(s); annotated("tailscale.com/expose")(s) })
	pod := podOf(namespace, func(p *corev1.Pod) {
		p.Spec.NodeName, p.Spec.PriorityClassName = node.Name, "system-cluster-critical"
		p.Annotations = map[string]string{"k8s.v1.cni.cncf.io/networks": "storage"}
		mounting(corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "10.0.0.1", Path: "/"}})(p)
		p.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	})
	for _, old := range []client.Object{service, pod} {
		if err := member.Create(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	becomeWorkspace(t, namespace)
	awaitAnswer(t, member, serviceOf(namespace, externalIP), false)
	awaitAnswer(t, member, podOf(namespace, func(p *corev1.Pod) { p.Spec.NodeName = "a" }), false)
	for patch, refusal := range map[string]string{
		`{"metadata": {"labels": {"a": "b"}}}`:                        "",
		`{"metadata": {"annotations": {"tailscale.com/expose": ""}}}`: "none of these annotations",
		`{"spec": {"externalIPs": ["8.8.8.8", "8.8.4.4"]}}`:           "externalIPs",
		`{"spec": {"type": "LoadBalancer"}}`:                          "of type",
	} {
		patchAs(t, member, service, patch, refusal)
	}
	for patch, refusal := range podPatches(`{"operator": "Exists"}`) {
		patchAs(t, member, pod, patch, refusal)
	}
}

// A pod that waits for a node can still be changed into one that the policy would have refused.
func TestTenantPolicy_HoldsForUpdates(t *testing.T) {
	member, namespace := asMemberOf(t, "editor", map[string]string{workspaceLabel: "updates", enforceLabel: "baseline"})
	accountForPods(t, namespace)
	awaitAnswer(t, member, podOf(namespace, func(p *corev1.Pod) { p.Spec.NodeName = "a" }), false)
	pod := podOf(namespace, func(p *corev1.Pod) {
		p.Spec.Tolerations = []corev1.Toleration{{Key: "nvidia.com/gpu", Operator: corev1.TolerationOpExists}}
	})
	if err := member.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	for patch, refusal := range podPatches(`{"key": "nvidia.com/gpu", "operator": "Exists"}`) {
		patchAs(t, member, pod, patch, refusal)
	}
}

// podPatches are patches of a pod with this toleration, and the message of the policy that refuses each.
func podPatches(toleration string) map[string]string {
	tolerating := func(more string) string {
		seconds := `{"key": "node.kubernetes.io/%s", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}`
		defaults := fmt.Sprintf(seconds, "not-ready") + ", " + fmt.Sprintf(seconds, "unreachable")
		if strings.Contains(toleration, "key") {
			more = defaults + ", " + more // a pod that tolerates every taint does not get these
		}
		return `{"spec": {"tolerations": [` + toleration + ", " + more + `]}}`
	}
	return map[string]string{
		`{"metadata": {"labels": {"a": "b"}}}`:                                                  "",
		tolerating(`{"key": "spot", "operator": "Exists"}`):                                     "",
		tolerating(`{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}`):    "no toleration",
		tolerating(`{"operator": "Exists", "effect": "NoSchedule"}`):                            "no toleration",
		`{"metadata": {"annotations": {"k8s.v1.cni.cncf.io/networks": "storage, management"}}}`: "none of these annotations",
		`{"metadata": {"annotations": {"k8s.v1.cni.cncf.io/networks": null}}}`:                  "",
		`{"metadata": {"annotations": {"k8s.v1.cni.cncf.io/network-status": "[]"}}}`:            "",
	}
}

func becomeWorkspace(t *testing.T, namespace string) {
	t.Helper()
	label := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": {"platform.company.com/workspace": "old"}}}`))
	if err := clientFor(t, installed(t)).Patch(t.Context(), namespaceOf(namespace, nil), label); err != nil {
		t.Fatal(err)
	}
}

func patchAs(t *testing.T, c client.Client, o client.Object, patch, refusal string) {
	t.Helper()
	o = o.DeepCopyObject().(client.Object)
	err := c.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, []byte(patch)), client.DryRunAll)
	switch {
	case refusal == "" && err != nil:
		t.Errorf("%T: %s: %v", o, patch, err)
	case refusal != "" && !isDenied(err, refusal):
		t.Errorf("%T: %s: got %v, want a refusal that says %q", o, patch, err, refusal)
	}
}
