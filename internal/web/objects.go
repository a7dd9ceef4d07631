package web

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

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

// repair is when the service last restored an object, and why.
type repair struct {
	At   metav1.Time `json:"at"`
	Note string      `json:"note"`
}

// objects returns what the service made in the namespaces of a workspace, with the last repair of each as long as Kubernetes keeps its
// Event. It returns nil if the caches can't tell in time.
func (a *ReadAPI) objects(ctx context.Context, w *v1alpha1.Workspace, events []event) []Object {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	repairs, objects := repairsOf(events, time.Now()), []Object{}
	for _, namespace := range w.Status.Namespaces {
		found, err := a.Objects(ctx, w.Name, namespace)
		if err != nil {
			log.FromContext(ctx).Error(err, "listing the objects of a workspace for a reader", "workspace", w.Name)
			return nil
		}
		for _, o := range found {
			o.LastRepair = repairs[o.ObjectRef]
			objects = append(objects, o)
		}
	}
	return objects
}

// repairsOf returns the newest repair of each object from Events, the newest of which comes first. Only the service's own count.
func repairsOf(events []event, now time.Time) map[ObjectRef]*repair {
	repairs := map[ObjectRef]*repair{}
	for _, e := range events {
		ours := e.Reason == v1alpha1.EventRepaired && e.Reporter == v1alpha1.ManagedBy && !e.Last.After(now)
		if ours && e.Object != nil && repairs[*e.Object] == nil {
			repairs[*e.Object] = &repair{e.Last, e.Note}
		}
	}
	return repairs
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
