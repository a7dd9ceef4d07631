package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// OwnedObject is an object that the service made in a namespace of a workspace.
type OwnedObject struct {
	Kind, Namespace, Name string
	// Terminating says that it was deleted, and that a finalizer keeps it.
	Terminating bool
}

// ListOwned returns the objects in a namespace of a workspace that the service made, by kind and name, from the caches of CacheOptions.
// makes reports whether it makes objects of a kind and name: anybody can give an object our labels. Copied pull secrets are not among
// them. There are none if the namespace does not belong to the workspace.
func ListOwned(
	ctx context.Context, cached client.Client, workspace, namespace string, makes func(client.Object) bool,
) (all []OwnedObject, err error) {
	var of corev1.Namespace
	if err := cached.Get(ctx, client.ObjectKey{Name: namespace}, &of); err != nil || WorkspaceOf(&of) != workspace {
		return nil, client.IgnoreNotFound(err)
	}
	for _, kind := range append(Children(), &kueue.LocalQueue{}) {
		objects, err := listOf(ctx, cached, kind, namespace)
		if _, missing := errors.AsType[*cache.ErrResourceNotCached](err); missing {
			continue // Kueue is not installed
		}
		if err != nil {
			return nil, fmt.Errorf("listing %ss of namespace %q: %w", KindName(kind), namespace, err)
		}
		all = append(all, ownedAmong(objects, makes)...)
	}
	slices.SortFunc(all, byKindAndName)
	return all, nil
}

// ListOwned returns the objects of these kinds in a namespace that templates of tiers made. The caller knows whose namespace it is.
func (k *ObjectKinds) ListOwned(ctx context.Context, namespace string) (all []OwnedObject, err error) {
	for _, kind := range k.Watched() {
		list := kindOf(kind).newList()
		options := []client.ListOption{client.InNamespace(namespace), client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency}
		if err := k.Client.List(ctx, list, options...); err != nil {
			return nil, fmt.Errorf("listing %ss of namespace %q: %w", KindName(kind), namespace, err)
		}
		objects, err := meta.ExtractList(list)
		if err != nil {
			return nil, err
		}
		all = append(all, ownedAmong(objects, madeByTemplate)...)
	}
	slices.SortFunc(all, byKindAndName)
	return all, nil
}

// ownedAmong are the objects that the service made.
func ownedAmong(objects []runtime.Object, makes func(client.Object) bool) (all []OwnedObject) {
	for _, o := range objects {
		if object := o.(client.Object); makes(object) {
			all = append(all, OwnedObject{KindName(object), object.GetNamespace(), object.GetName(), !object.GetDeletionTimestamp().IsZero()})
		}
	}
	return all
}

func byKindAndName(a, b OwnedObject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
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
