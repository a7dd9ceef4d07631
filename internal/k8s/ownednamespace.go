package k8s

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// annotationKept is when a namespace was last written to prevent its purge. Writing it changes the namespace's resourceVersion.
const annotationKept = "platform.company.com/kept-at"

// GetOwnedNamespace reads exactly the namespace ref from the API server. It is nil if that is gone, if another one has taken its
// name, or if it no longer carries the label of the workspace id.
func (a *Applier) GetOwnedNamespace(ctx context.Context, ref v1alpha1.NamespaceReference, id string) (*corev1.Namespace, error) {
	return readOwnedNamespace(ctx, a.Live, ref, id)
}

// CachedNamespace is GetOwnedNamespace from the cache.
func (a *Applier) CachedNamespace(ctx context.Context, ref v1alpha1.NamespaceReference, id string) (*corev1.Namespace, error) {
	return readOwnedNamespace(ctx, a.Client, ref, id)
}

func readOwnedNamespace(
	ctx context.Context, from client.Reader, ref v1alpha1.NamespaceReference, id string,
) (*corev1.Namespace, error) {
	live := &corev1.Namespace{}
	err := from.Get(ctx, client.ObjectKey{Name: ref.Name}, live)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading Namespace %q: %w", ref.Name, err)
	case live.UID != ref.UID || WorkspaceOf(live) != id:
		return nil, nil
	}
	return live, nil
}

// DeleteNamespace deletes a namespace as it was read: not one that anybody has written to since, and not another one.
func (a *Applier) DeleteNamespace(ctx context.Context, read *corev1.Namespace) error {
	uid, version := read.UID, read.ResourceVersion
	exactly := client.Preconditions{UID: &uid, ResourceVersion: &version}
	err := a.Client.Delete(ctx, read, exactly, client.DisableReadYourWritesConsistency)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting Namespace %q: %w", read.Name, err)
	}
	return nil
}

// TouchNamespace writes to the namespace ref of the workspace id, so that a DeleteNamespace of what was read earlier fails.
func (a *Applier) TouchNamespace(ctx context.Context, ref v1alpha1.NamespaceReference, id string, now time.Time) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := a.GetOwnedNamespace(ctx, ref, id)
		if live == nil || !live.DeletionTimestamp.IsZero() {
			return err
		}
		before := live.DeepCopy()
		if live.Annotations == nil {
			live.Annotations = map[string]string{}
		}
		live.Annotations[annotationKept] = now.UTC().Format(time.RFC3339Nano)
		return a.Client.Patch(ctx, live, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	if err != nil {
		return fmt.Errorf("touching Namespace %q: %w", ref.Name, err)
	}
	return nil
}
