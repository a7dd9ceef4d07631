// Package store writes events into Workspaces: the one way in for the webhook, the resync and the command line.
// An event that it has accepted is in etcd, together with its delivery.
package store

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/tracing"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// scope is the name of this package's tracer.
const scope = "platform.company.com/workspace-flyte-integration/internal/workspace/store"

// maxAttempts bounds how often one event is merged again because another client wrote the Workspace at the same time.
const maxAttempts = 10

// Store keeps Workspaces in the Kubernetes API.
type Store struct {
	client client.Client
	live   client.Reader
	limits workspace.Limits
	watch  *workspaceWatch
}

// New returns a Store that reads from the informers' cache, and from the API server where the cache may lag. It refuses
// new Workspaces and members above the limits.
func New(ctx context.Context, c client.Client, live client.Reader, informers cache.Informers, limits workspace.Limits) (*Store, error) {
	watch, err := watchWorkspaces(ctx, informers)
	if err != nil {
		return nil, err
	}
	if _, err := informers.GetInformer(ctx, &v1alpha1.WorkspaceTier{}, cache.BlockUntilSynced(false)); err != nil {
		return nil, fmt.Errorf("watching WorkspaceTiers: %w", err)
	}
	return &Store{client: c, live: live, limits: limits, watch: watch}, nil
}

// NewDirect returns a Store without caches, for a command that runs once. It can't Await.
func NewDirect(c client.Client, limits workspace.Limits) *Store {
	return &Store{client: c, live: c, limits: limits, watch: newWorkspaceWatch()}
}

// Record merges an event into the stored Workspace. Spec and delivery are one write, guarded by the resourceVersion: with
// OutcomeAccepted, the API server has stored both. After a conflict with another writer, Record merges the event again.
// Errors are *workspace.Error; their fields are below data.
func (s *Store) Record(
	ctx context.Context, e workspace.Event, d workspace.Delivery,
) (w *v1alpha1.Workspace, outcome workspace.Outcome, err error) {
	ctx, span := tracing.StartChild(ctx, otel.Tracer(scope), "store.Record")
	defer func() { tracing.End(span, fault(err)) }()
	reader := client.Reader(s.client)
	var last error
	for range maxAttempts {
		w, outcome, err = s.attempt(ctx, reader, e, d)
		if ctx.Err() != nil || !isWriteConflict(err) && (err == nil || reader == s.live) {
			return w, outcome, asWorkspaceError(err)
		}
		reader, last = s.live, err // a lagging cache may hide that the event is a repeat
	}
	return nil, "", &workspace.Error{Kind: workspace.KindUnavailable, Detail: "too many clients write this Workspace at once", Err: last}
}

// fault returns an error that the sender can't correct, and nil for others.
func fault(err error) error {
	if kind := workspace.KindOf(err); kind == workspace.KindUnavailable || kind == workspace.KindInternal {
		return err
	}
	return nil
}

// isWriteConflict reports whether another client has written the Workspace since it was read.
func isWriteConflict(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

func (s *Store) attempt(
	ctx context.Context, reader client.Reader, e workspace.Event, d workspace.Delivery,
) (*v1alpha1.Workspace, workspace.Outcome, error) {
	before, err := read(ctx, reader, e.Data.WorkspaceID)
	if err != nil {
		return nil, "", err
	}
	after := before.DeepCopy()
	outcome, err := workspace.Record(after, e, d)
	if err != nil || outcome != workspace.OutcomeAccepted {
		return before, outcome, err
	}
	if workspace.RaisesContent(before, e) {
		if err := s.admit(ctx, before, after); err != nil {
			return nil, "", err
		}
	}
	tracing.Inject(ctx, after)
	if err := s.write(ctx, before, after); err != nil {
		return nil, "", err
	}
	return after, outcome, nil
}

// read returns the stored Workspace, or a new one. One that is being deleted is an error.
func read(ctx context.Context, reader client.Reader, id string) (*v1alpha1.Workspace, error) {
	w := &v1alpha1.Workspace{}
	switch err := reader.Get(ctx, client.ObjectKey{Name: id}, w); {
	case apierrors.IsNotFound(err):
		return workspace.New(id), nil
	case err != nil:
		return nil, fmt.Errorf("reading the Workspace: %w", err)
	case !w.DeletionTimestamp.IsZero():
		// A finalizer that is not ours delays the deletion; what is written now would be deleted with the object.
		return nil, &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Workspace is being deleted"}
	}
	return w, nil
}

func (s *Store) write(ctx context.Context, before, after *v1alpha1.Workspace) error {
	if err := s.withinLimits(ctx, before, after); err != nil {
		return err
	}
	if workspace.IsNew(before) {
		return s.client.Create(ctx, after)
	}
	// The patch holds only fields that this version knows and has changed: the fields of a newer replica stay.
	return s.client.Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}
