package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Why an object is not as it should be. Repeating the request at once helps with none of them.
var (
	// ErrForeign: a Namespace or ClusterQueue of that name exists and does not carry our label for this workspace.
	ErrForeign = errors.New("it exists and is not labelled " + v1alpha1.LabelWorkspace)
	// ErrForeignObject: no template of a tier made the object of that name.
	ErrForeignObject = errors.New("it exists, and no template of a tier made it: delete it, or give the template another name")
	// ErrTerminating: the Namespace is being deleted; a watch reports when it is gone.
	ErrTerminating = errors.New("it is being deleted")
	// ErrFinalizing: a ClusterQueue or an object in the namespace is being deleted, and a finalizer keeps it; a watch reports when it is gone.
	// Until then it is as desired, as far as it can be.
	ErrFinalizing = errors.New("it is being deleted, but a finalizer keeps it")
	// ErrThrottled: another client keeps changing the object. It is repaired every RepairInterval.
	ErrThrottled = errors.New("another client keeps changing it")
	// ErrMutated: the API server stores something else than was written.
	ErrMutated = errors.New("a mutating admission webhook or policy of the cluster changes it while it is written")
)

// Applier makes objects what they should be, with no request at all for those that already are.
type Applier struct {
	// Client reads from the caches of CacheOptions, and sees its own writes there.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// OnRepair, if not nil, is called after each write that undid a change by another client.
	OnRepair func(context.Context, Repair)

	// isOurs reports whether an object of a pruned kind is ours.
	isOurs   func(client.Object) bool
	throttle *throttle
	desired  *desiredHashes
}

// NewApplier makes an Applier. owns reports whether objects of a kind and name in our namespaces are ours, whatever their
// labels say.
func NewApplier(c client.Client, live client.Reader, owns func(client.Object) bool) *Applier {
	isOurs := func(o client.Object) bool { return owns(o) || isMadeByUs(o) }
	return &Applier{Client: c, Live: live, isOurs: isOurs, throttle: newThrottle(), desired: newDesiredHashes()}
}

// OfTierObjects is the Applier of the objects that templates of tiers make, by a client that reads them from the cache of ObjectKinds.
// It leaves all objects alone that no template made.
func (a *Applier) OfTierObjects(c client.Client) *Applier {
	of := *a
	of.Client, of.isOurs = c, madeByTemplate
	return &of
}

// Apply makes the object as desired: by one create if the object is missing, by one patch if it differs in fields that are
// ours alone, and by one read and one patch if it differs otherwise. Labels, annotations and fields of others stay.
func (a *Applier) Apply(ctx context.Context, want client.Object) error {
	return a.applyOr(ctx, want, a.create)
}

// ApplyExisting is Apply that creates nothing: it does nothing if the API server has no such object.
func (a *Applier) ApplyExisting(ctx context.Context, want client.Object) error {
	return client.IgnoreNotFound(a.applyOr(ctx, want, a.repair)) // the cache does not show an object that has lost our label
}

// applyOr is Apply, with what to do if the object is not cached.
func (a *Applier) applyOr(ctx context.Context, want client.Object, notCached func(context.Context, attempt) error) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return a.apply(ctx, want, notCached) })
	switch {
	case err == nil:
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		err = ErrTerminating
	}
	return fmt.Errorf("applying %s: %w", describe(want), err)
}

func (a *Applier) apply(ctx context.Context, want client.Object, notCached func(context.Context, attempt) error) error {
	cached, try := newOfKind(want), a.attempt(want)
	err := a.getCached(ctx, client.ObjectKeyFromObject(want), cached)
	switch {
	case apierrors.IsNotFound(err):
		return notCached(ctx, try)
	case err != nil:
		return err
	}
	if err := checkOwnership(cached, want); err != nil {
		return err
	}
	if cachedHash(cached) == try.hash {
		return a.asDesired(cached, try.hash)
	}
	if patch := overwrite(cached, want, try.hash); patch != nil {
		return a.patchUnread(ctx, try, patch, otherWriter(cached))
	}
	return a.repair(ctx, try)
}

// AreDesired reports whether the caches show each object as desired.
func (a *Applier) AreDesired(ctx context.Context, objects []client.Object) bool {
	for _, want := range objects {
		cached := newOfKind(want)
		if a.getCached(ctx, client.ObjectKeyFromObject(want), cached) != nil || cachedHash(cached) != hash(want) {
			return false
		}
	}
	return true
}

// attempt is one attempt to make an object what it should be.
type attempt struct {
	want client.Object
	// hash is that of want.
	hash string
	// allowed is Allow, called at most once: an attempt that takes a second way counts once.
	allowed func() bool
}

func (a *Applier) attempt(want client.Object) attempt {
	desired := hash(want)
	return attempt{want: want, hash: desired, allowed: sync.OnceValue(func() bool { return a.Allow(describe(want), desired) })}
}

// asDesired is the outcome if nothing has to be written.
func (a *Applier) asDesired(o client.Object, hash string) error {
	object := describe(o)
	a.desired.record(object, hash)
	switch {
	case !o.GetDeletionTimestamp().IsZero():
		return ErrFinalizing
	case a.throttle.isContested(object, hash):
		return ErrThrottled
	}
	return nil
}

// create creates the object. One that exists although it is not cached has lost our label, or was made by another client.
func (a *Applier) create(ctx context.Context, try attempt) error {
	if !try.allowed() {
		return ErrThrottled
	}
	err := a.send(ctx, try, Repair{Deleted: true})
	if apierrors.IsAlreadyExists(err) {
		return a.repair(ctx, try)
	}
	return err
}

func (a *Applier) send(ctx context.Context, try attempt, undone Repair) error {
	created := try.want.DeepCopyObject().(client.Object)
	if err := a.Client.Create(ctx, created); err != nil {
		return err
	}
	a.repaired(ctx, try, undone)
	return a.written(created, try.hash)
}

// written is the outcome of a write, by what the API server has stored.
func (a *Applier) written(stored client.Object, desired string) error {
	if hash(stored) != desired {
		return ErrMutated
	}
	return a.asDesired(stored, desired)
}

// repair reads the live object and changes only the part that is ours, guarded by resourceVersion.
func (a *Applier) repair(ctx context.Context, try attempt) error {
	live, want := newOfKind(try.want), try.want
	if err := a.Live.Get(ctx, client.ObjectKeyFromObject(want), live); err != nil {
		return err
	}
	if err := checkOwnership(live, want); err != nil {
		return err
	}
	terminating := !live.GetDeletionTimestamp().IsZero()
	switch {
	case hash(live) == try.hash:
		return a.asDesired(live, try.hash)
	case terminating:
		return a.repairTerminating(ctx, live, try)
	case !try.allowed():
		return ErrThrottled
	}
	undone := Repair{By: otherWriter(live), Fields: differing(live, want)}
	if isImmutable(live, want) {
		return a.replace(ctx, live, try, undone)
	}
	if err := a.patch(ctx, live, want); err != nil {
		return err
	}
	a.repaired(ctx, try, undone)
	return a.written(live, try.hash)
}

// repairTerminating makes an object that a finalizer keeps what it still can be. A RoleBinding grants until it is gone: one
// of another role gets no subjects.
func (a *Applier) repairTerminating(ctx context.Context, live client.Object, try attempt) error {
	want := try.want
	if isImmutable(live, want) {
		want = disarmed(live)
	}
	switch {
	case want == nil:
		return ErrFinalizing
	case !try.allowed():
		return ErrThrottled
	}
	return cmp.Or(a.patch(ctx, live, want), ErrFinalizing)
}

func (a *Applier) patch(ctx context.Context, live, want client.Object) error {
	before := live.DeepCopyObject().(client.Object)
	overwriteOwned(live, want)
	return a.Client.Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func (a *Applier) replace(ctx context.Context, live client.Object, try attempt, undone Repair) error {
	if err := a.delete(ctx, live); err != nil {
		return err
	}
	err := a.send(ctx, try, undone)
	if apierrors.IsAlreadyExists(err) {
		return ErrFinalizing
	}
	return err
}

// delete deletes exactly this object: not one that has taken its name since. The cache can't be waited for: it never
// shows the end of an object that has lost our label.
func (a *Applier) delete(ctx context.Context, o client.Object) error {
	uid := o.GetUID()
	return client.IgnoreNotFound(a.Client.Delete(ctx, o, client.Preconditions{UID: &uid}, client.DisableReadYourWritesConsistency))
}

// checkOwnership refuses a Namespace or ClusterQueue that is being deleted, or not this workspace's, and an object of a tier's template
// that another client made. Inside our namespaces, all other names that we use are ours, whatever labels say.
func checkOwnership(have, want client.Object) error {
	if _, isTierObject := want.(*unstructured.Unstructured); isTierObject && !madeByTemplate(have) {
		return ErrForeignObject
	}
	if want.GetNamespace() != "" {
		return nil
	}
	if !have.GetDeletionTimestamp().IsZero() {
		if _, isNamespace := want.(*corev1.Namespace); isNamespace {
			return ErrTerminating
		}
		return ErrFinalizing
	}
	if id := WorkspaceOf(want); WorkspaceOf(have) != id {
		return fmt.Errorf("%w=%s", ErrForeign, id)
	}
	return nil
}

// describe names an object by kind, name and namespace, as with kubectl. Several API groups may have the kind of a tier's object.
func describe(o client.Object) string {
	kind := KindName(o)
	if o, ok := o.(*unstructured.Unstructured); ok {
		kind = o.GroupVersionKind().GroupKind().String()
	}
	if o.GetNamespace() == "" {
		return fmt.Sprintf("%s %q", kind, o.GetName())
	}
	return fmt.Sprintf("%s %q in namespace %q", kind, o.GetName(), o.GetNamespace())
}
