package k8s

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// maxRounds bounds how often one event is merged anew because somebody else wrote the Workspace at the same time.
const maxRounds = 10

// Store keeps Workspaces in the Kubernetes API, for the edge.
type Store struct {
	cached  client.Client
	live    client.Reader
	limits  workspace.Limits
	waiters *waiters
}

// NewStore makes a Store that reads from the informers' cache, and from the API server where the cache may lag. New
// workspaces and members above the limits are refused.
func NewStore(
	ctx context.Context, c client.Client, live client.Reader, informers cache.Informers, limits workspace.Limits,
) (*Store, error) {
	waiters := &waiters{}
	informer, err := informers.GetInformer(ctx, &v1alpha1.Workspace{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching Workspaces: %w", err)
	}
	if _, err := informer.AddEventHandler(waiters); err != nil {
		return nil, fmt.Errorf("watching Workspaces: %w", err)
	}
	if _, err := informers.GetInformer(ctx, &v1alpha1.WorkspaceTier{}, cache.BlockUntilSynced(false)); err != nil {
		return nil, fmt.Errorf("watching WorkspaceTiers: %w", err)
	}
	return &Store{cached: c, live: live, limits: limits, waiters: waiters}, nil
}

// NewDirectStore makes a Store without caches, for a command that runs once. It can't Await.
func NewDirectStore(c client.Client, limits workspace.Limits) *Store {
	return &Store{cached: c, live: c, limits: limits, waiters: &waiters{}}
}

// Record merges an event into the stored Workspace, with its delivery in the same write, guarded by resourceVersion.
// When it returns OutcomeAccepted, the API server has stored both. Conflicts with other writers are settled inside.
// Content that newly asks for what its tier does not allow is refused. Errors are *workspace.Error, their fields are below data.
func (s *Store) Record(ctx context.Context, e workspace.Event, d workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error) {
	reader := client.Reader(s.cached)
	var last error
	for range maxRounds {
		w, outcome, err := s.try(ctx, reader, e, d)
		if ctx.Err() != nil || !overtaken(err) && (err == nil || reader == s.live) {
			return w, outcome, refusal(err)
		}
		reader, last = s.live, err // what a lagging cache hides may make it a repeat
	}
	return nil, "", &workspace.Error{Kind: workspace.KindUnavailable, Detail: "too many writers at once", Err: last}
}

// overtaken tells whether somebody else has written meanwhile.
func overtaken(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

func (s *Store) try(
	ctx context.Context, reader client.Reader, e workspace.Event, d workspace.Delivery,
) (*v1alpha1.Workspace, workspace.Outcome, error) {
	before := &v1alpha1.Workspace{}
	err := reader.Get(ctx, client.ObjectKey{Name: e.Data.WorkspaceID}, before)
	if apierrors.IsNotFound(err) {
		before, err = workspace.New(e.Data.WorkspaceID), nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the Workspace: %w", err)
	}
	if !before.DeletionTimestamp.IsZero() {
		// Somebody else's finalizer keeps it for a while; what is written now would go with it.
		return nil, "", &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Workspace is being deleted"}
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
	if err := s.write(ctx, before, after); err != nil {
		return nil, "", err
	}
	return after, outcome, nil
}

// admit checks against the tier what after asks for and before did not.
func (s *Store) admit(ctx context.Context, before, after *v1alpha1.Workspace) error {
	tier := &v1alpha1.WorkspaceTier{}
	err := s.cached.Get(ctx, client.ObjectKey{Name: after.Spec.Tier}, tier)
	if apierrors.IsNotFound(err) {
		tier, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("reading WorkspaceTier %q: %w", after.Spec.Tier, err)
	}
	return workspace.Admit(before, after, tier)
}

func (s *Store) write(ctx context.Context, before, after *v1alpha1.Workspace) error {
	if err := s.withinLimits(ctx, before, after); err != nil {
		return err
	}
	if before.ResourceVersion == "" {
		return s.cached.Create(ctx, after)
	}
	// Only what this version knows and has changed is written: a newer replica's fields stay.
	return s.cached.Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// withinLimits refuses a new Workspace, and more members of a known one, above the limits. What takes members away, or
// exchanges them, is never refused.
func (s *Store) withinLimits(ctx context.Context, before, after *v1alpha1.Workspace) error {
	created, members := before.ResourceVersion == "", len(after.Spec.Members)
	if !created && members <= len(before.Spec.Members) {
		return nil
	}
	var all v1alpha1.WorkspaceList
	if err := s.cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("counting Workspaces and their members: %w", err)
	}
	if created && len(all.Items) >= s.limits.Workspaces {
		detail := fmt.Sprintf("there are %d workspaces already, and MAX_WORKSPACES allows no more", len(all.Items))
		return &workspace.Error{Kind: workspace.KindLimited, Detail: detail}
	}
	others := -len(before.Spec.Members)
	for i := range all.Items {
		others += len(all.Items[i].Spec.Members)
	}
	if detail := s.limits.ExceededBy(members, others); detail != "" {
		return &workspace.Error{Kind: workspace.KindLimited, Detail: detail}
	}
	return nil
}

// refusal turns an error of the API server into one for the sender. What the API server's own validation refuses is
// the sender's turn; anything else is ours, and a repeat may succeed.
func refusal(err error) error {
	if err == nil || workspace.KindOf(err) != workspace.KindInternal {
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code != http.StatusUnprocessableEntity {
		return &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't store it now", Err: err}
	}
	return &workspace.Error{Kind: workspace.KindInvalid, Detail: "the Kubernetes API refuses it: " + causes(status.Status()), Err: err}
}

// causes names the fields as they are called in the stored Workspace.
func causes(status metav1.Status) string {
	if status.Details == nil {
		return status.Message
	}
	texts := make([]string, len(status.Details.Causes))
	for i, cause := range status.Details.Causes {
		texts[i] = cause.Field + " " + cause.Message
	}
	return strings.Join(texts, "; ")
}
