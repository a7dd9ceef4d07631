package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// target is one Workspace, and what its steps work on.
type target struct {
	workspace *v1alpha1.Workspace
	// tier is nil when it does not exist, or the workspace may not be on it; the steps that follow it then wait.
	tier *v1alpha1.WorkspaceTier
	// refused tells that the tier exists, and does not allow the workspace.
	refused bool
	// plans has one plan for each namespace.
	plans []*k8s.Plan
	// ready are the plans whose namespace is there and ours.
	ready []*k8s.Plan
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
	switch {
	case w.Purging():
		return c.purge(ctx, t)
	case w.Tombstone() && len(t.owned) == 0:
		return c.tombstone(ctx, t)
	}
	var life outcome
	if w.Spec.State == v1alpha1.StateDeleted {
		life = c.count(t)
	} else {
		life = c.restore(ctx, t)
	}
	return append(c.provision(ctx, t), life)
}

// provision takes the steps of a workspace that is not being removed. In namespaces that exist, access comes first of all,
// since it may have to be taken away, and waits for nothing; in new ones it comes with the other steps, all at once.
func (c *Controller) provision(ctx context.Context, t *target) []outcome {
	o := c.acceptable(t.workspace)
	if o.done {
		o = c.room(ctx, t)
	}
	if !o.done {
		return append(c.hold(ctx, t), o)
	}
	existing := t.ready
	taken := c.reduce(ctx, t)
	namespaces := c.namespaces(ctx, t)
	given := func(ctx context.Context, t *target) outcome {
		return taken.or(c.access(ctx, added(t.ready, existing), c.Applier.Remove)).or(t.granted())
	}
	outcomes := append(together(ctx, t, given, c.quota, c.network, c.config, c.workload, c.project), namespaces)
	if slices.ContainsFunc(outcomes, func(o outcome) bool { return !o.done }) {
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

// hold provisions nothing of a spec that is not acceptable, but goes on keeping what is there: access and isolation, and
// a workspace that is not Active is locked. Nothing is known of the members of one whose content has not arrived.
func (c *Controller) hold(ctx context.Context, t *target) []outcome {
	active := t.workspace.Spec.State == v1alpha1.StateActive
	if len(t.ready) == 0 || active && t.workspace.Spec.DisplayName == "" {
		return nil
	}
	access := func(ctx context.Context, t *target) outcome { return c.reduce(ctx, t).or(t.granted()) }
	steps := []step{access, c.network}
	if !active {
		steps = append(steps, c.quota, c.project)
	}
	return together(ctx, t, steps...)
}

// look reads, from the caches, the tier and which of the workspace's namespaces are there.
func (c *Controller) look(ctx context.Context, w *v1alpha1.Workspace) (*target, error) {
	t := &target{workspace: w}
	var tier v1alpha1.WorkspaceTier
	switch err := c.Applier.Get(ctx, client.ObjectKey{Name: w.Spec.Tier}, &tier); {
	case err == nil && workspace.TierAllows(&tier, w.Name):
		t.tier = &tier
	case err == nil:
		t.refused = true
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading WorkspaceTier %q: %w", w.Spec.Tier, err)
	}
	for _, namespace := range c.Naming.Namespaces(w.Name) {
		plan := &k8s.Plan{
			Cluster: c.Cluster, Workspace: w, Tier: t.tier, Namespace: namespace, ConsoleURL: c.ConsoleURL(w.Name),
		}
		t.plans = append(t.plans, plan)
		var have corev1.Namespace
		err := c.Applier.Get(ctx, client.ObjectKey{Name: namespace.Name}, &have)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading Namespace %q: %w", namespace.Name, err)
		}
		if err == nil && k8s.WorkspaceOf(&have) == w.Name && have.DeletionTimestamp.IsZero() {
			t.ready = append(t.ready, plan)
			t.owned = append(t.owned, v1alpha1.NamespaceReference{Name: have.Name, UID: have.UID})
		}
	}
	if err := c.pull(ctx, t); err != nil {
		return nil, err
	}
	if err := c.findAPIServers(ctx, t); err != nil {
		return nil, err
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
