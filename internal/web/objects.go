package web

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// reasonRepaired is the reason of the Event of a repair.
const reasonRepaired = "Repaired"

// ObjectRef names an object in a namespace of a workspace.
type ObjectRef struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// Object is an object that the service made in a namespace of a workspace.
type Object struct {
	ObjectRef

	// Terminating says that it was deleted, and that a finalizer keeps it.
	Terminating bool    `json:"terminating,omitempty"`
	LastRepair  *repair `json:"last_repair,omitempty"`
}

// repair is when the service last made an object as desired again, and why.
type repair struct {
	At   metav1.Time `json:"at"`
	Note string      `json:"note"`
}

// objects returns what the service made in the namespaces of a workspace, with its repairs as long as Kubernetes keeps their Events. The
// newest of them comes first.
func (a *ReadAPI) objects(ctx context.Context, w *v1alpha1.Workspace, events []event) []Object {
	repairs := map[ObjectRef]*repair{}
	for _, e := range events {
		if e.Reason == reasonRepaired && e.Object != nil && repairs[*e.Object] == nil {
			repairs[*e.Object] = &repair{e.Last, e.Note}
		}
	}
	objects := []Object{}
	for _, namespace := range w.Status.Namespaces {
		found, err := a.Objects(ctx, namespace)
		if err != nil {
			continue // the caches have not synced yet
		}
		for _, o := range found {
			o.LastRepair = repairs[o.ObjectRef]
			objects = append(objects, o)
		}
	}
	return objects
}

// repaired returns how many of the objects have a repair.
func repaired(objects []Object) (n int) {
	for _, o := range objects {
		if o.LastRepair != nil {
			n++
		}
	}
	return n
}
