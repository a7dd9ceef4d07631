package deploy_test

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func event(namespace, apiVersion, kind string) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "event-"}, EventTime: metav1.NowMicro(),
		ReportingController: fullName, ReportingInstance: "thief", Action: "Lie", Reason: "Lie", Type: "Normal",
		Regarding: corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Name: "x"},
	}
}

func leaseOf(namespace, name string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// finalized gives the object a finalizer that no program removes.
func finalized[O client.Object](o O) O {
	o.SetFinalizers([]string{"company.com/thief"})
	return o
}

// ownedByNobody gives the object an owner that doesn't exist.
func ownedByNobody[O client.Object](o O) O {
	o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "nobody", UID: "x"}})
	return o
}

const (
	addFinalizer = `{"metadata": {"finalizers": ["company.com/thief"]}}`
	addOwner     = `{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "x"}]}}`
)

// metadataAttempts set metadata that makes other programs delete an object, or never delete it. A ConfigMap stands for all objects of
// a workspace, which one policy covers.
func metadataAttempts() map[string]attempt {
	const refusal = "sets no ownerReferences and no finalizers"
	ours := func() *corev1.ConfigMap { return &corev1.ConfigMap{ObjectMeta: child("workspace-config")} }
	account := &corev1.ServiceAccount{ObjectMeta: child("flyte-workload")}
	namespaced := namespaceOf("flyte-x", map[string]string{workspaceLabel: "x", enforceLabel: "baseline"})
	report := func() *eventsv1.Event { return event(metav1.NamespaceDefault, workspacesV1alpha1, "Workspace") }
	return map[string]attempt{
		"create an object with a finalizer":       creating(finalized(ours()), refusal),
		"create an object with an owner":          creating(ownedByNobody(ours()), refusal),
		"give an object a finalizer":              patching(account, addFinalizer, refusal),
		"give an object an owner":                 patching(account, addOwner, refusal),
		"create a namespace with an owner":        creating(ownedByNobody(namespaced.DeepCopy()), refusal),
		"create a namespace with a finalizer":     creating(finalized(namespaced.DeepCopy()), refusal),
		"give a namespace a finalizer":            patching(namespaceOf(stolenNamespace, nil), addFinalizer, refusal),
		"give a namespace an owner":               patching(namespaceOf(stolenNamespace, nil), addOwner, refusal),
		"create a Workspace with a finalizer":     creating(finalized(workspaceOf("x")), refusal),
		"create a Workspace with an owner":        creating(ownedByNobody(workspaceOf("x")), refusal),
		"give a Workspace a finalizer":            patching(workspaceOf(stolenID), addFinalizer, refusal),
		"have a Workspace deleted with its owner": patching(workspaceOf(stolenID), addOwner, refusal),
		"create an Event with a finalizer":        creating(finalized(report()), refusal),
		"create a Lease with an owner":            creating(ownedByNobody(leaseOf(namespace, fullName)), refusal),
		"create the Lease of another program":     creating(leaseOf(namespace, "another"), "the Lease workspace-flyte-integration"),
	}
}

const workspacesV1alpha1 = "platform.company.com/v1alpha1"

func eventAttempts() map[string]attempt {
	const refusal = "only write Events about Workspaces and WorkspaceTiers"
	namespaced := event(metav1.NamespaceDefault, workspacesV1alpha1, "Workspace")
	related := namespaced.DeepCopy()
	namespaced.Regarding.Namespace = metav1.NamespaceDefault
	related.Related = &corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Name: "x", Namespace: metav1.NamespaceDefault}
	return map[string]attempt{
		"report on a Pod":                    creating(event(metav1.NamespaceDefault, "v1", "Pod"), refusal),
		"report on a Pod of our API group":   creating(event(metav1.NamespaceDefault, "platform.company.com/v1", "Pod"), refusal),
		"report in kube-system":              creating(event(metav1.NamespaceSystem, workspacesV1alpha1, "Workspace"), refusal),
		"report on a namespaced Workspace":   creating(namespaced, refusal),
		"report on a Workspace of elsewhere": creating(event(metav1.NamespaceDefault, "company.com/v1", "Workspace"), refusal),
		"report on a related Pod":            creating(related, refusal),
	}
}
