package k8s

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// What Applier finds in the way of an object. Neither is cured by repeating the request at once.
var (
	// ErrForeign: a namespace of that name exists and does not carry our label for this workspace.
	ErrForeign = errors.New("it exists and belongs to someone else")
	// ErrTerminating: the namespace is being deleted; a watch tells when it is gone.
	ErrTerminating = errors.New("it is being deleted")
	// ErrHeld: an object in the namespace is being deleted, and somebody's finalizer keeps it; a watch tells when it is
	// gone. Until then it is as wanted, as far as it can be.
	ErrHeld = errors.New("it is deleted, but a finalizer keeps it")
	// ErrContested: somebody else keeps changing the object. It is put right every DisputeInterval.
	ErrContested = errors.New("somebody else keeps changing it")
	// ErrMutated: the API server stores something else than was written.
	ErrMutated = errors.New("a mutating admission webhook or policy of the cluster changes it while it is written")
)

// removed stands for the digest of an object that must not exist.
const removed = "removed"

// Applier makes objects what they should be, with no request at all for those that already are.
type Applier struct {
	// Client reads from the caches of CacheOptions, and sees its own writes there.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader

	disputes disputes
}

// Apply makes the cluster hold want: by one create where the object is missing, by one patch where only content that is
// ours alone differs, and by one read and one patch where something else does. What others added beside what we own
// whole stays.
func (a *Applier) Apply(ctx context.Context, want client.Object) error {
	return a.applyOr(ctx, want, a.create)
}

// ApplyExisting is Apply that creates nothing: it does nothing where the API server has no such object.
func (a *Applier) ApplyExisting(ctx context.Context, want client.Object) error {
	return client.IgnoreNotFound(a.applyOr(ctx, want, a.repair)) // the cache does not show an object that has lost our label
}

// applyOr is Apply, with what to do where the cache does not show the object.
func (a *Applier) applyOr(ctx context.Context, want client.Object, missing func(context.Context, attempt) error) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return a.apply(ctx, want, missing) })
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		err = ErrTerminating
	}
	if err != nil {
		return fmt.Errorf("applying %s: %w", describe(want), err)
	}
	return nil
}

func (a *Applier) apply(ctx context.Context, want client.Object, missing func(context.Context, attempt) error) error {
	have, try := like(want), a.attempt(want)
	err := a.digested(ctx, client.ObjectKeyFromObject(want), have)
	switch {
	case apierrors.IsNotFound(err):
		return missing(ctx, try)
	case err != nil:
		return err
	}
	if err := touchable(have, want); err != nil {
		return err
	}
	if have.GetAnnotations()[digestAnnotation] == try.hash {
		return a.atRest(have, try.hash)
	}
	if patch := overwriting(have, want, try.hash); patch != nil {
		return a.overwrite(ctx, try, patch)
	}
	return a.repair(ctx, try)
}

// attempt is one attempt to make an object what it should be.
type attempt struct {
	want client.Object
	// hash is the digest of want.
	hash string
	// allowed is Begin, called at most once: an attempt that takes a second way counts once.
	allowed func() bool
}

func (a *Applier) attempt(want client.Object) attempt {
	hash := digest(want)
	return attempt{want: want, hash: hash, allowed: sync.OnceValue(func() bool { return a.Begin(describe(want), hash) })}
}

// atRest is the outcome where nothing has to be written.
func (a *Applier) atRest(have client.Object, hash string) error {
	switch {
	case !have.GetDeletionTimestamp().IsZero():
		return ErrHeld
	case !a.disputes.over(describe(have), hash, time.Now()):
		return ErrContested
	}
	return nil
}

// create is the cheapest request there is. An object that exists although the cache doesn't show it has lost our label,
// or was made by another client.
func (a *Applier) create(ctx context.Context, try attempt) error {
	if !try.allowed() {
		return ErrContested
	}
	err := a.send(ctx, try)
	if apierrors.IsAlreadyExists(err) {
		return a.repair(ctx, try)
	}
	return err
}

// send creates the object.
func (a *Applier) send(ctx context.Context, try attempt) error {
	created := try.want.DeepCopyObject().(client.Object)
	if err := a.Client.Create(ctx, created); err != nil {
		return err
	}
	return a.written(created, try.hash)
}

// written is the outcome of a write that has made an object what it is now.
func (a *Applier) written(stored client.Object, hash string) error {
	if digest(stored) != hash {
		return ErrMutated
	}
	return a.atRest(stored, hash)
}

// repair looks at the live object and changes only the part that is ours, guarded by resourceVersion.
func (a *Applier) repair(ctx context.Context, try attempt) error {
	live, want := like(try.want), try.want
	if err := a.Live.Get(ctx, client.ObjectKeyFromObject(want), live); err != nil {
		return err
	}
	if err := touchable(live, want); err != nil {
		return err
	}
	if digest(live) == try.hash {
		return a.atRest(live, try.hash)
	}
	if !live.GetDeletionTimestamp().IsZero() {
		want = asFarAs(live, want)
	}
	switch {
	case want == nil:
		return ErrHeld
	case !try.allowed():
		return ErrContested
	case live.GetDeletionTimestamp().IsZero() && replaceOnly(live, want):
		return a.replace(ctx, live, try)
	}
	if err := a.patch(ctx, live, want); err != nil {
		return err
	}
	if !live.GetDeletionTimestamp().IsZero() {
		return ErrHeld
	}
	return a.written(live, try.hash)
}

func (a *Applier) patch(ctx context.Context, live, want client.Object) error {
	before := live.DeepCopyObject().(client.Object)
	adopt(live, want)
	return a.Client.Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func (a *Applier) replace(ctx context.Context, live client.Object, try attempt) error {
	if err := a.delete(ctx, live); err != nil {
		return err
	}
	err := a.send(ctx, try)
	if apierrors.IsAlreadyExists(err) {
		return ErrHeld
	}
	return err
}

// asFarAs is what an object that a finalizer keeps can still be made, or nil. A RoleBinding grants until it is gone: one
// of another role gets no subjects.
func asFarAs(live, want client.Object) client.Object {
	if !replaceOnly(live, want) {
		return want
	}
	binding, ok := live.(*rbacv1.RoleBinding)
	if !ok || len(binding.Subjects) == 0 {
		return nil
	}
	empty := want.DeepCopyObject().(*rbacv1.RoleBinding)
	empty.RoleRef, empty.Subjects = binding.RoleRef, nil
	return empty
}

// Remove deletes an object of ours that must not exist, of this UID if it has one. It sends nothing where the cache doesn't
// show it.
func (a *Applier) Remove(ctx context.Context, unwanted client.Object) error {
	return a.remove(ctx, a.digested, unwanted)
}

// RemoveUnseen is Remove where it matters that the cache shows only what has our label: it asks the API server.
func (a *Applier) RemoveUnseen(ctx context.Context, unwanted client.Object) error {
	live := func(ctx context.Context, key client.ObjectKey, o client.Object) error { return a.Live.Get(ctx, key, o) }
	return a.remove(ctx, live, unwanted)
}

func (a *Applier) remove(
	ctx context.Context, get func(context.Context, client.ObjectKey, client.Object) error, unwanted client.Object,
) error {
	have := like(unwanted)
	err := get(ctx, client.ObjectKeyFromObject(unwanted), have)
	switch {
	case err != nil:
	case unwanted.GetUID() != "" && unwanted.GetUID() != have.GetUID():
	case !have.GetDeletionTimestamp().IsZero() && !hasOurName(have):
		err = ErrHeld // what a finalizer keeps of another version is left as it is
	case !have.GetDeletionTimestamp().IsZero():
		err = a.repair(ctx, a.attempt(unwanted))
	case !a.Begin(describe(unwanted), removed):
		err = ErrContested
	default:
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

// touchable refuses a Namespace that is being deleted, or not this workspace's. Inside our namespaces, all names that
// we use are ours, whatever labels say.
func touchable(have, want client.Object) error {
	if _, isNamespace := have.(*corev1.Namespace); !isNamespace {
		return nil
	}
	if !have.GetDeletionTimestamp().IsZero() {
		return ErrTerminating
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
