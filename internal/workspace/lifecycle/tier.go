package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// readTier reads, from the caches, the tier and what it needs into the target and its plans. Where that fails, the plans have
// no tier: access can still be taken away.
func (c *Controller) readTier(ctx context.Context, t *target) (err error) {
	named := func(name string) (*v1alpha1.WorkspaceTier, error) { return c.tierNamed(ctx, name) }
	if t.tier, t.tierReason, err = tierOf(t.workspace, named); err != nil {
		return err
	}
	if err := c.pull(ctx, t); err != nil {
		return err
	}
	if err := c.findAPIServers(ctx, t); err != nil {
		return err
	}
	for _, plan := range slices.Concat(t.plans, t.terminating) {
		plan.Tier = t.tier
	}
	return nil
}

// tierOf is the tier that a workspace is kept to, and why it is not that of the spec, or "": the tier that was applied last is
// in its place then. Of a workspace whose content has not arrived, the tier is not known. named is nil where there is none.
func tierOf(
	w *v1alpha1.Workspace, named func(string) (*v1alpha1.WorkspaceTier, error),
) (tier *v1alpha1.WorkspaceTier, reason string, err error) {
	if workspace.HasContent(w) {
		tier, err = named(w.Spec.Tier)
		switch {
		case err != nil:
			return nil, "", err
		case tier == nil:
			reason = v1alpha1.ReasonTierNotFound
		case workspace.TierAllows(tier, w.Name):
			return tier, "", nil
		default:
			reason = v1alpha1.ReasonTierNotAllowed
		}
	}
	if w.Status.Tier == "" {
		return nil, reason, nil
	}
	tier, err = named(w.Status.Tier)
	return tier, reason, err
}

// tierNamed is nil where the tier does not exist.
func (c *Controller) tierNamed(ctx context.Context, name string) (*v1alpha1.WorkspaceTier, error) {
	tier := &v1alpha1.WorkspaceTier{}
	err := c.Applier.Get(ctx, client.ObjectKey{Name: name}, tier)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading WorkspaceTier %q: %w", name, err)
	}
	return tier, nil
}

// tierOutcome is the outcome of a step that follows the tier, once it is done where namespaces exist. A deleted workspace
// needs no tier: nothing is made for it.
func (t *target) tierOutcome(condition string) outcome {
	kept := "; what exists is left as it is"
	if t.tier != nil {
		kept = fmt.Sprintf("; what exists is kept within the limits of the tier %q", t.tier.Name)
	}
	if t.workspace.Spec.State == v1alpha1.StateDeleted || t.tierReason == "" {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	return waiting(condition, t.tierReason, t.lostTier()+kept)
}

// lostTier says why the tier of the spec does not hold.
func (t *target) lostTier() string {
	if t.tierReason == v1alpha1.ReasonTierNotAllowed {
		return fmt.Sprintf("the WorkspaceTier %q does not allow this workspace", t.workspace.Spec.Tier)
	}
	return fmt.Sprintf("the WorkspaceTier %q does not exist", t.workspace.Spec.Tier)
}

// unfilled reports the tier's annotations that were left out.
func (t *target) unfilled(condition string) outcome {
	if t.tier == nil {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	for _, plan := range t.ready {
		if keys := plan.Unfilled(); len(keys) > 0 {
			message := fmt.Sprintf("the tier %s wants {domain} in annotations, but NAMESPACE_TEMPLATE has no {domain}: %s are left out",
				t.tier.Name, strings.Join(keys, ", "))
			return waiting(condition, v1alpha1.ReasonTierInvalid, bounded(message))
		}
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// unknownDomains reports the domains of the tier that no namespace is of. Their quotas hold nowhere.
func (t *target) unknownDomains(condition string) outcome {
	if t.tier == nil {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	unknown := maps.Clone(t.tier.Spec.Domains)
	for _, plan := range t.plans {
		delete(unknown, plan.Namespace.Domain)
	}
	if len(unknown) == 0 || t.workspace.Spec.State == v1alpha1.StateDeleted {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	message := fmt.Sprintf("the tier %s has quotas of domains that no namespace is of: %s",
		t.tier.Name, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
	return done(condition, v1alpha1.ReasonDomainIgnored, bounded(message))
}
