package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// pruned stands for the hash of an object that must not exist.
const pruned = "pruned"

// Prune deletes each object of these kinds in the namespace that is ours and not among keep. Ours are all objects that the Applier
// owns by name, and those that the service alone has written: another version of it made them. It lists from, which is Client or
// Live: the cache doesn't show an object that has lost our label.
func (a *Applier) Prune(ctx context.Context, from client.Reader, namespace string, kinds, keep []client.Object) error {
	kept := sets.New[string]()
	for _, o := range keep {
		kept.Insert(describe(o))
	}
	var errs []error
	for _, kind := range kinds {
		found, err := a.listOurs(ctx, from, namespace, kind)
		errs = append(errs, err)
		for _, o := range found {
			if !kept.Has(describe(o)) {
				errs = append(errs, a.remove(ctx, o))
			}
		}
	}
	return failureOf(errs)
}

// failureOf is the first error that is not ErrFinalizing, or else the first: to wait for a finalizer must not hide a failure,
// which is retried sooner.
func failureOf(errs []error) error {
	failures := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return errors.Is(err, ErrFinalizing) })
	return cmp.Or(cmp.Or(failures...), cmp.Or(errs...))
}

func (a *Applier) listOurs(ctx context.Context, from client.Reader, namespace string, of client.Object) (ours []client.Object, err error) {
	list := kindOf(of).newList()
	// A list would wait for the writes of all workspaces. The event of our own write causes another Reconcile.
	err = from.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency)
	if err != nil {
		return nil, fmt.Errorf("listing %s objects in namespace %q: %w", KindName(of), namespace, err)
	}
	err = meta.EachListItem(list, func(item runtime.Object) error {
		if o := item.(client.Object); a.isOurs(o) {
			ours = append(ours, o.DeepCopyObject().(client.Object))
		}
		return nil
	})
	slices.SortFunc(ours, func(a, b client.Object) int { return strings.Compare(a.GetName(), b.GetName()) }) // the cache has no order
	return ours, err
}

// isMadeByUs reports whether the service alone has written an object. Labels prove nothing; managed fields do: even a copy
// brings those of the object that it was made of beside those of its maker.
func isMadeByUs(o client.Object) bool {
	if strings.HasPrefix(o.GetGenerateName(), ownHashPrefix) {
		return true
	}
	ours := false
	for _, f := range o.GetManagedFields() {
		if f.Subresource != "" {
			continue
		}
		if f.Manager != v1alpha1.ManagedBy { // what comes before the slash in the User-Agent of the service
			return false
		}
		ours = true
	}
	return ours
}

// remove deletes exactly this object. If a finalizer blocks its deletion, it is disarmed.
func (a *Applier) remove(ctx context.Context, o client.Object) (err error) {
	switch {
	case !o.GetDeletionTimestamp().IsZero():
		err = a.disarm(ctx, o)
	case !a.Allow(describe(o), pruned):
		err = ErrThrottled
	default:
		err = a.delete(ctx, o)
		a.desired.remove(describe(o))
	}
	if err != nil {
		return fmt.Errorf("removing %s: %w", describe(o), err)
	}
	return nil
}

func (a *Applier) disarm(ctx context.Context, o client.Object) error {
	live := newOfKind(o)
	err := a.Live.Get(ctx, client.ObjectKeyFromObject(o), live)
	if err != nil || live.GetUID() != o.GetUID() {
		return client.IgnoreNotFound(err)
	}
	if harmless := disarmed(live); harmless != nil && a.Allow(describe(o), pruned) {
		if err := a.patch(ctx, live, harmless); err != nil {
			return client.IgnoreNotFound(err)
		}
	}
	return ErrFinalizing
}
