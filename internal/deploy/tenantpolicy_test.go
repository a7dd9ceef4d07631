package deploy_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func serviceOf(namespace string, change func(*corev1.ServiceSpec)) *corev1.Service {
	o := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-"}}
	o.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	change(&o.Spec)
	return o
}

func secretOf(namespace string, kind corev1.SecretType, annotations map[string]string) *corev1.Secret {
	meta := metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-", Annotations: annotations}
	return &corev1.Secret{ObjectMeta: meta, Type: kind}
}

func podOf(namespace, priorityClass string) *corev1.Pod {
	o := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-"}}
	o.Spec.PriorityClassName, o.Spec.ServiceAccountName = priorityClass, "pods"
	o.Spec.Containers = []corev1.Container{{Name: "a", Image: "a"}}
	return o
}

// The rules hold in workspaces, for everybody, and nowhere else.
func TestTenantPolicy_HoldsInWorkspacesAlone(t *testing.T) {
	admin := clientFor(t, installed(t))
	inside, outside := workspaceNamespace(t, "tenants"), createNamespace(t, admin, nil)
	for _, namespace := range []string{inside, outside} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pods"}}
		if err := admin.Create(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	account := map[string]string{corev1.ServiceAccountNameKey: "pods"}
	for name, c := range map[string]struct {
		object  func(namespace string) client.Object
		refused bool
	}{
		"a service":           {func(n string) client.Object { return serviceOf(n, func(*corev1.ServiceSpec) {}) }, false},
		"a headless service":  {func(n string) client.Object { return serviceOf(n, headless) }, false},
		"an external name":    {func(n string) client.Object { return serviceOf(n, externalName) }, false},
		"an external address": {func(n string) client.Object { return serviceOf(n, externalIP) }, true},
		"a load balancer":     {func(n string) client.Object { return serviceOf(n, loadBalancer) }, true},
		"a node port":         {func(n string) client.Object { return serviceOf(n, nodePort) }, true},
		"a secret":            {func(n string) client.Object { return secretOf(n, corev1.SecretTypeOpaque, nil) }, false},
		"an account's token":  {func(n string) client.Object { return secretOf(n, corev1.SecretTypeServiceAccountToken, account) }, true},
		"a pod":               {func(n string) client.Object { return podOf(n, "") }, false},
		"a pod for the node":  {func(n string) client.Object { return podOf(n, "system-node-critical") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			awaitAnswer(t, admin, c.object(inside), !c.refused)
			if err := admin.Create(t.Context(), c.object(outside), client.DryRunAll); err != nil {
				t.Errorf("outside of workspaces: %v", err)
			}
		})
	}
}

func headless(s *corev1.ServiceSpec) { s.ClusterIP = corev1.ClusterIPNone }
func externalName(s *corev1.ServiceSpec) {
	s.Type, s.ExternalName = corev1.ServiceTypeExternalName, "db.company.com"
}
func externalIP(s *corev1.ServiceSpec)   { s.ExternalIPs = []string{"8.8.8.8"} }
func loadBalancer(s *corev1.ServiceSpec) { s.Type = corev1.ServiceTypeLoadBalancer }
func nodePort(s *corev1.ServiceSpec)     { s.Type = corev1.ServiceTypeNodePort }

// What was there before the policies may stay, and be changed otherwise.
func TestTenantPolicy_LeavesWhatWasThere(t *testing.T) {
	admin := clientFor(t, installed(t))
	namespace := createNamespace(t, admin, nil)
	old := serviceOf(namespace, func(s *corev1.ServiceSpec) { externalIP(s); nodePort(s) })
	if err := admin.Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	label := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": {"platform.company.com/workspace": "old"}}}`))
	if err := admin.Patch(t.Context(), namespaceOf(namespace, nil), label); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(t, admin, serviceOf(namespace, externalIP), false)
	patch := func(text string) error {
		return admin.Patch(t.Context(), old.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(text)), client.DryRunAll)
	}
	if err := patch(`{"metadata": {"labels": {"a": "b"}}}`); err != nil {
		t.Errorf("labelling it: %v", err)
	}
	if err := patch(`{"spec": {"externalIPs": ["8.8.8.8", "8.8.4.4"]}}`); !isDenied(err, "externalIPs") {
		t.Errorf("adding an address: %v", err)
	}
	if err := patch(`{"spec": {"type": "LoadBalancer"}}`); !isDenied(err, "of type") {
		t.Errorf("changing its type: %v", err)
	}
}
