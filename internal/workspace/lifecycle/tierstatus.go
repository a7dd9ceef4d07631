package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// reportTiers writes the statuses of the tiers until ctx ends, at most once per TierStatusInterval, and only if something has changed.
func (c *Controller) reportTiers(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.tiers.changed:
		}
		select { // collect changes
		case <-ctx.Done():
			return nil
		case <-time.After(c.TierStatusInterval):
		}
		if err := c.writeTierStatuses(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "writing the status of tiers")
			c.tiers.signal()
		}
	}
}

// writeTierStatuses writes each status that differs. Only the leader does.
func (c *Controller) writeTierStatuses(ctx context.Context) error {
	ctx, release, leads := c.Leadership.Bind(ctx)
	defer release()
	if !leads {
		return nil
	}
	var tiers v1alpha1.WorkspaceTierList
	var all v1alpha1.WorkspaceList
	options := []client.ListOption{client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency}
	if err := c.client.List(ctx, &tiers, options...); err != nil {
		return fmt.Errorf("listing tiers: %w", err)
	}
	if err := c.client.List(ctx, &all, options...); err != nil {
		return fmt.Errorf("listing Workspaces: %w", err)
	}
	for i := range tiers.Items {
		if err := c.writeTierStatus(ctx, &tiers.Items[i], all.Items); err != nil {
			return err
		}
	}
	return nil
}

func (c *Controller) writeTierStatus(ctx context.Context, before *v1alpha1.WorkspaceTier, all []v1alpha1.Workspace) error {
	counts := c.tiers.count(before, all)
	if counts.unknown > 0 && before.Status.ObservedGeneration == before.Generation {
		return nil // a new leader still reconciles them: what the status says is newer
	}
	accepted, err := c.accepted(ctx, before)
	if err != nil {
		return err
	}
	tier := before.DeepCopy()
	tier.Status.ObservedGeneration = tier.Generation
	tier.Status.Workspaces, tier.Status.Conforming = counts.workspaces, counts.conforming
	for _, o := range []outcome{accepted, counts.rolledOut(tier)} {
		meta.SetStatusCondition(&tier.Status.Conditions, o.toCondition(tier.Generation))
	}
	if equality.Semantic.DeepEqual(before.Status, tier.Status) {
		return nil
	}
	return c.patchTierStatus(ctx, before, tier)
}

func (c *Controller) patchTierStatus(ctx context.Context, before, tier *v1alpha1.WorkspaceTier) error {
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	// No Reconcile waits for the cache to show this write: it reads the spec alone, and has no right to get a tier from the API server.
	err := c.client.Status().Patch(ctx, tier, patch, client.DisableReadYourWritesConsistency)
	switch {
	case apierrors.IsConflict(err):
		c.tiers.signal() // the tier changed meanwhile
		return nil
	case apierrors.IsNotFound(err): // the tier was deleted, or an older CRD has no status
		return nil
	case err != nil:
		return fmt.Errorf("writing the status of WorkspaceTier %q: %w", tier.Name, err)
	}
	return nil
}

// rolledOut says how far the tier's newest generation is. It names no workspaces: a user who may read tiers may lack the right to see them.
func (n tierCounts) rolledOut(tier *v1alpha1.WorkspaceTier) outcome {
	generation := tier.Generation
	const condition = v1alpha1.TierConditionRolledOut
	switch {
	case n.reconciled < n.workspaces:
		return waiting(condition, v1alpha1.ReasonRollingOut,
			fmt.Sprintf("%d of %d workspaces were reconciled with generation %d so far", n.reconciled, n.workspaces, generation))
	case n.conforming < n.workspaces:
		return waiting(condition, v1alpha1.ReasonWorkspacesNotReady,
			fmt.Sprintf("%d of %d workspaces don't conform to generation %d: `integrationctl get workspaces --tier %s --not-ready` lists them",
				n.workspaces-n.conforming, n.workspaces, generation, tier.Name))
	}
	return done(condition, v1alpha1.ReasonRolledOut, fmt.Sprintf("all workspaces conform to generation %d", generation))
}

// accepted says what of a tier can't have its effect in this installation.
func (c *Controller) accepted(ctx context.Context, tier *v1alpha1.WorkspaceTier) (outcome, error) {
	const condition = v1alpha1.TierConditionAccepted
	if o := acceptedDomains(tier, c.Naming.Domains()); !o.done {
		return o, nil
	}
	if tier.Spec.Queue != nil && !c.Queues.Served() {
		if c.Queues == nil {
			return waiting(condition, v1alpha1.ReasonQueuesDisabled, queuesDisabled), nil
		}
		return waiting(condition, v1alpha1.ReasonKueueNotInstalled, kueueNotInstalled), nil
	}
	t := &target{workspace: &v1alpha1.Workspace{}, tier: tier}
	if _, err := c.readPullSecrets(ctx, t); err != nil {
		return outcome{}, err
	}
	if !t.pulls.done {
		return waiting(condition, t.pulls.reason, t.pulls.message), nil
	}
	return c.acceptedObjects(tier), nil
}

// acceptedDomains says what of a tier can't have its effect in namespaces of these domains.
func acceptedDomains(tier *v1alpha1.WorkspaceTier, domains []string) outcome {
	const condition = v1alpha1.TierConditionAccepted
	if fields := needDomain(tier); len(domains) == 0 && len(fields) > 0 {
		message := "NAMESPACE_TEMPLATE has no {domain}: put it there, or remove it from " + strings.Join(fields, ", ")
		return waiting(condition, v1alpha1.ReasonTierInvalid, bounded(message))
	}
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(tier.Spec.Domains)), func(d string) bool { return slices.Contains(domains, d) })
	if len(unknown) > 0 {
		message := "spec.domains has domains without a namespace: correct or remove " + strings.Join(unknown, ", ")
		return waiting(condition, v1alpha1.ReasonDomainIgnored, bounded(message))
	}
	return done(condition, v1alpha1.ReasonAccepted, "")
}

// needDomain are the fields of a tier that need a namespace per domain.
func needDomain(tier *v1alpha1.WorkspaceTier) (fields []string) {
	for _, annotations := range []struct {
		field string
		all   v1alpha1.Annotations
	}{
		{"spec.namespace.annotations", tier.Spec.Namespace.Annotations},
		{"spec.serviceAccount.annotations", tier.Spec.ServiceAccount.Annotations},
	} {
		for _, template := range annotations.all {
			if strings.Contains(string(template), "{domain}") && !slices.Contains(fields, annotations.field) {
				fields = append(fields, annotations.field)
			}
		}
	}
	return fields
}
