package k8s

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// What Applier finds in the way of an object. Neither is cured by repeating the request at once.
var (
	// ErrForeign: a namespace of that name exists and does not carry our label for this workspace.
	ErrForeign = errors.New("it exists and belongs to someone else")
	// ErrTerminating: the object, or its namespace, is being deleted; a watch tells when it is gone.
	ErrTerminating = errors.New("it is being deleted")
)

// Applier makes objects what they should be, with no request at all for those that already are.
type Applier struct {
	// Client reads from the caches of CacheOptions, and sees its own writes there.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
}

// Apply makes the cluster hold want: by one create where the object is missing, and by one read and one patch where
// the part that we own whole differs. What others added beside that part stays.
func (a *Applier) Apply(ctx context.Context, want client.Object) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return a.apply(ctx, want) })
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		err = ErrTerminating
	}
	if err != nil {
		return fmt.Errorf("applying %s: %w", describe(want), err)
	}
	return nil
}

func (a *Applier) apply(ctx context.Context, want client.Object) error {
	have := like(want)
	err := a.Client.Get(ctx, client.ObjectKeyFromObject(want), have)
	switch {
	case apierrors.IsNotFound(err):
		return a.create(ctx, want)
	case err != nil:
		return err
	}
	if err := touchable(have, want); err != nil {
		return err
	}
	if have.GetAnnotations()[digestAnnotation] == digest(want) {
		return nil
	}
	return a.repair(ctx, want)
}

// create is the cheapest request there is. An object that is there although the cache doesn't show it has lost our
// label, or was made by someone else.
func (a *Applier) create(ctx context.Context, want client.Object) error {
	fresh := want.DeepCopyObject().(client.Object)
	err := a.Client.Create(ctx, fresh)
	if apierrors.IsAlreadyExists(err) {
		return a.repair(ctx, want)
	}
	return err
}

// repair looks at the live object and changes only the part that is ours, guarded by resourceVersion.
func (a *Applier) repair(ctx context.Context, want client.Object) error {
	live := like(want)
	if err := a.Live.Get(ctx, client.ObjectKeyFromObject(want), live); err != nil {
		return err
	}
	if err := touchable(live, want); err != nil {
		return err
	}
	if digest(live) == digest(want) {
		return nil
	}
	if replaceOnly(live, want) {
		return a.replace(ctx, live, want)
	}
	before := live.DeepCopyObject().(client.Object)
	adopt(live, want)
	return a.Client.Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func (a *Applier) replace(ctx context.Context, live, want client.Object) error {
	if err := a.delete(ctx, live); err != nil {
		return err
	}
	err := a.Client.Create(ctx, want.DeepCopyObject().(client.Object))
	if apierrors.IsAlreadyExists(err) {
		return ErrTerminating // a finalizer of somebody's keeps it
	}
	return err
}

// Remove deletes an object of ours that must not exist. It sends nothing where the cache doesn't show it.
func (a *Applier) Remove(ctx context.Context, unwanted client.Object) error {
	return a.remove(ctx, a.Client, unwanted)
}

// RemoveUnseen is Remove where it matters that the cache shows only what has our label: it asks the API server.
func (a *Applier) RemoveUnseen(ctx context.Context, unwanted client.Object) error {
	return a.remove(ctx, a.Live, unwanted)
}

func (a *Applier) remove(ctx context.Context, reader client.Reader, unwanted client.Object) error {
	have := like(unwanted)
	err := reader.Get(ctx, client.ObjectKeyFromObject(unwanted), have)
	if err == nil && have.GetDeletionTimestamp().IsZero() {
		err = a.delete(ctx, have)
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing %s: %w", describe(unwanted), err)
	}
	return nil
}

// delete deletes exactly this object: not one that has taken its name since. The cache can't be waited for: it never
// tells of the end of an object that has lost our label.
func (a *Applier) delete(ctx context.Context, o client.Object) error {
	uid := o.GetUID()
	return client.IgnoreNotFound(a.Client.Delete(ctx, o, client.Preconditions{UID: &uid}, client.DisableReadYourWritesConsistency))
}

// touchable refuses what is being deleted, and a Namespace that is not this workspace's. Inside our namespaces, all
// names that we use are ours, whatever labels say.
func touchable(have, want client.Object) error {
	if !have.GetDeletionTimestamp().IsZero() {
		return ErrTerminating
	}
	if _, isNamespace := have.(*corev1.Namespace); !isNamespace {
		return nil
	}
	if have.GetLabels()[v1alpha1.LabelWorkspace] != want.GetLabels()[v1alpha1.LabelWorkspace] {
		return ErrForeign
	}
	return nil
}

// describe names an object as a person would look for it.
func describe(o client.Object) string {
	if o.GetNamespace() == "" {
		return fmt.Sprintf("%s %q", kindOf(o), o.GetName())
	}
	return fmt.Sprintf("%s %q in namespace %q", kindOf(o), o.GetName(), o.GetNamespace())
}
