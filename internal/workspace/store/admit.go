package store

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// exactCountMargin is how far below the maximum the informer's count is trusted: by more creations than are under way
// before the informer shows them. The controller checks the maximum again, exactly, before it provisions a Workspace.
const exactCountMargin = 1000

// admit refuses what the tier does not allow, if after asks for it and before did not.
func (s *Store) admit(ctx context.Context, before, after *v1alpha1.Workspace) error {
	tier := &v1alpha1.WorkspaceTier{}
	err := s.client.Get(ctx, client.ObjectKey{Name: after.Spec.Tier}, tier)
	if apierrors.IsNotFound(err) {
		tier, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("reading WorkspaceTier %q: %w", after.Spec.Tier, err)
	}
	return workspace.Admit(before, after, tier)
}

// withinLimits refuses a new Workspace, and more members of a stored one, above the limits. It never refuses an event that
// removes or exchanges members. It lists all Workspaces only if they may be near a limit.
func (s *Store) withinLimits(ctx context.Context, before, after *v1alpha1.Workspace) error {
	isNew, members := workspace.IsNew(before), len(after.Spec.Members)
	mayExceedWorkspaces := isNew && !s.watch.fewerThan(s.limits.Workspaces-exactCountMargin)
	mayExceedMembers := members > len(before.Spec.Members) && members > workspace.OrdinaryMembers
	if !mayExceedWorkspaces && !mayExceedMembers {
		return nil
	}
	var all v1alpha1.WorkspaceList
	if err := s.client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("counting Workspaces and their members: %w", err)
	}
	if isNew && len(all.Items) >= s.limits.Workspaces {
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
