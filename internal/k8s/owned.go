package k8s

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Owned is an object that the service made in a namespace of a workspace.
type Owned struct {
	Kind, Namespace, Name string
	// Terminating says that it was deleted, and that a finalizer keeps it.
	Terminating bool
}

// ListOwned returns the objects that the service made in a namespace, by kind and name, from the caches of CacheOptions. Copied pull
// secrets are not among them.
func ListOwned(ctx context.Context, cached client.Client, namespace string) (all []Owned, err error) {
	for _, kind := range Children() {
		objects, err := listOf(ctx, cached, kind, namespace)
		if err != nil {
			return nil, fmt.Errorf("listing %ss of namespace %q: %w", kindName(kind), namespace, err)
		}
		for _, o := range objects {
			object := o.(client.Object)
			all = append(all, Owned{kindName(kind), namespace, object.GetName(), !object.GetDeletionTimestamp().IsZero()})
		}
	}
	slices.SortFunc(all, func(a, b Owned) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return all, nil
}

func listOf(ctx context.Context, cached client.Client, kind client.Object, namespace string) ([]runtime.Object, error) {
	gvk, err := apiutil.GVKForObject(kind, cached.Scheme())
	if err != nil {
		return nil, err
	}
	made, err := cached.Scheme().New(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err != nil {
		return nil, err
	}
	if err := cached.List(ctx, made.(client.ObjectList), client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	return meta.ExtractList(made)
}
