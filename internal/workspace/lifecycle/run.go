package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// target is one Workspace, and what its steps work on.
type target struct {
	workspace *v1alpha1.Workspace
	// tier is what the namespaces that exist are kept to: the tier of the spec, or, while that does not exist or does not
	// allow the workspace, the tier that was applied last. It is nil where there is neither.
	tier *v1alpha1.WorkspaceTier
	// tierReason is why nothing new is made: TierNotFound or TierNotAllowed. It is empty where the tier of the spec holds.
	tierReason string
	// existingOnly says that nothing new is made: the spec is not one to provision.
	existingOnly bool
	// plans has one plan for each namespace.
	plans []*k8s.Plan
	// ready are the plans whose namespace is there and ours.
	ready []*k8s.Plan
	// terminating are the plans whose namespace is ours, and is being deleted.
	terminating []*k8s.Plan
	// pulls tells whether all pull secrets of the tier are there.
	pulls outcome
	// owned are the namespaces that were there and ours at the beginning.
	owned []v1alpha1.NamespaceReference
}

// step makes one aspect of a workspace true, and says how far it got.
type step func(context.Context, *target) outcome

// run does what the state of the workspace asks for.
func (c *Controller) run(ctx context.Context, w *v1alpha1.Workspace) []outcome {
	t, err := c.look(ctx, w)
	if err != nil {
		return []outcome{failed(v1alpha1.ConditionNamespaceReady, err)}
	}
	err = c.readTier(ctx, t)
	access := c.revokeAccess(ctx, t)
	if err != nil {
		return []outcome{access, failed(v1alpha1.ConditionNamespaceReady, err)}
	}
	switch {
	case w.Purging():
		return append(c.purge(ctx, t), access)
	case w.Tombstone() && len(t.owned) == 0:
		return c.tombstone(ctx, t)
	}
	var life outcome
	if w.Spec.State == v1alpha1.StateDeleted {
		life = c.count(t)
	} else {
		life = c.restore(ctx, t)
	}
	return append(c.provision(ctx, t, access), life)
}

// provision takes the steps of a workspace that is not being removed. In namespaces that exist, access was set before all of
// them; in new ones it comes with the other steps, all at once.
func (c *Controller) provision(ctx context.Context, t *target, access outcome) []outcome {
	o := c.acceptable(t.workspace)
	if o.done {
		o = c.room(ctx, t)
	}
	if !o.done {
		return append(c.enforceOnly(ctx, t, access), o)
	}
	existing := t.ready
	namespaces := c.namespaces(ctx, t)
	granted := func(ctx context.Context, t *target) outcome {
		return access.or(c.access(ctx, added(t.ready, existing), c.Applier.Remove)).or(t.granted())
	}
	outcomes := append(together(ctx, t, granted, c.quota, c.network, c.config, c.workload, c.project), namespaces)
	return c.pruned(ctx, t, outcomes)
}

// pruned are the outcomes, with that of prune once all steps are done. A tier of the spec that does not hold delays it only
// where the one that was applied last is gone too: the limits of another version must not go before those of this one are there.
func (c *Controller) pruned(ctx context.Context, t *target, outcomes []outcome) []outcome {
	keptByTier := func(o outcome) bool { return t.tier != nil && t.tierReason != "" && o.reason == t.tierReason }
	if slices.ContainsFunc(outcomes, func(o outcome) bool { return !o.done && !keptByTier(o) }) {
		return outcomes
	}
	return append(outcomes, c.prune(ctx, t))
}

// acceptable tells whether the spec is one that anything may be provisioned of.
func (c *Controller) acceptable(w *v1alpha1.Workspace) outcome {
	if w.Spec.DisplayName == "" {
		message := "the state of the workspace has arrived, its content (spec.displayName) has not"
		return waiting(v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent, message)
	}
	if err := c.Validator.Workspace(w); err != nil {
		return waiting(v1alpha1.ConditionReady, v1alpha1.ReasonInvalid, bounded(err.Error()))
	}
	return outcome{done: true}
}

// enforceOnly keeps the namespaces that exist as they should be, and makes neither namespaces nor a project: the spec is
// not one to provision. A workspace that is not Active is locked in Flyte too.
func (c *Controller) enforceOnly(ctx context.Context, t *target, access outcome) []outcome {
	switch {
	case len(t.ready) == 0 && access.done:
		return nil // there is nothing to say anything of
	case len(t.ready) == 0:
		return []outcome{access}
	}
	t.plans, t.existingOnly = t.ready, true
	namespaces := c.namespaces(ctx, t)
	steps := []step{c.quota, c.network, c.config, c.workload}
	if t.workspace.Spec.State != v1alpha1.StateActive {
		steps = append(steps, c.project)
	}
	if knowsMembers(t.workspace) {
		access = access.or(t.granted())
	}
	return c.pruned(ctx, t, append(together(ctx, t, steps...), access, namespaces))
}

// look reads, from the caches, which of the workspace's namespaces are there.
func (c *Controller) look(ctx context.Context, w *v1alpha1.Workspace) (*target, error) {
	t := &target{workspace: w}
	for _, namespace := range c.Naming.Namespaces(w.Name) {
		plan := &k8s.Plan{Cluster: c.Cluster, Workspace: w, Namespace: namespace, ConsoleURL: c.ConsoleURL(w.Name)}
		t.plans = append(t.plans, plan)
		var have corev1.Namespace
		err := c.Applier.Get(ctx, client.ObjectKey{Name: namespace.Name}, &have)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading Namespace %q: %w", namespace.Name, err)
		}
		switch {
		case err != nil || k8s.WorkspaceOf(&have) != w.Name:
		case !have.DeletionTimestamp.IsZero():
			t.terminating = append(t.terminating, plan)
		default:
			t.ready = append(t.ready, plan)
			t.owned = append(t.owned, v1alpha1.NamespaceReference{Name: have.Name, UID: have.UID})
		}
	}
	if w.Spec.State == v1alpha1.StateDeleted {
		t.plans = t.ready // what is there is locked, nothing is made
	}
	return t, nil
}

// granted is the outcome of access that was applied wherever a namespace is.
func (t *target) granted() outcome {
	o := t.missing(v1alpha1.ConditionAccessGranted)
	if o.done && t.workspace.Spec.State != v1alpha1.StateActive {
		return done(o.condition, v1alpha1.ReasonAccessReduced, "members may only look")
	}
	return o
}

// missing is the outcome of a step that works in all namespaces, where some of them are not there.
func (t *target) missing(condition string) outcome {
	if len(t.ready) == len(t.plans) {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	return waiting(condition, v1alpha1.ReasonWaitingForNamespace, "its namespaces are not all there; see NamespaceReady")
}

// added are the plans of all that known lacks.
func added(all, known []*k8s.Plan) []*k8s.Plan {
	return slices.DeleteFunc(slices.Clone(all), func(p *k8s.Plan) bool { return slices.Contains(known, p) })
}

// together takes steps at the same time.
func together(ctx context.Context, t *target, steps ...step) []outcome {
	outcomes := make([]outcome, len(steps))
	var group sync.WaitGroup
	for i, s := range steps {
		group.Go(func() { outcomes[i] = s(ctx, t) })
	}
	group.Wait()
	return outcomes
}
