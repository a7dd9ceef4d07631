package lifecycle

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// step makes one aspect of a workspace as desired, and says how far it got.
type step func(context.Context, *target) outcome

// steps takes a workspace as far as it can go now. Access is taken away first: that waits for no tier that fits, no spec
// that is valid, no Flyte, and not for the end of a namespace.
func (c *Controller) steps(ctx context.Context, w *v1alpha1.Workspace) []outcome {
	t, err := c.observe(ctx, w)
	if err != nil {
		return []outcome{failed(v1alpha1.ConditionNamespaceReady, err)}
	}
	err = c.readTier(ctx, t)
	defer func() { c.tiers.record(w.Name, t.read) }()
	t.revoked = c.revokeAccess(ctx, t)
	if err == nil {
		err = c.observeQueue(ctx, t)
	}
	switch {
	case err != nil:
		return []outcome{t.revoked, failed(v1alpha1.ConditionNamespaceReady, err)}
	case w.Purging():
		return append(c.purge(ctx, t), t.revoked)
	case w.Tombstone() && len(t.owned) == 0:
		return c.tombstone(ctx, t)
	}
	deletion := c.deletion(ctx, t)
	return append(c.provision(ctx, t), deletion)
}

// provision takes the steps of a workspace that is not being purged.
func (c *Controller) provision(ctx context.Context, t *target) []outcome {
	if o := c.provisionable(ctx, t); !o.done {
		return append(c.enforceOnly(ctx, t), o)
	}
	namespaces := c.namespaces(ctx, t)
	outcomes := together(ctx, t, c.access, c.limits, c.network, c.config, c.workload, c.objects, c.project)
	return append(append(outcomes, namespaces), t.queue...)
}

// enforceOnly enforces the desired set in existing namespaces, and creates neither namespaces nor a project: nothing may be
// provisioned of the spec. A workspace that is not Active is archived in Flyte too.
func (c *Controller) enforceOnly(ctx context.Context, t *target) []outcome {
	switch {
	case len(t.ready) == 0 && t.revoked.done:
		return nil // no condition applies
	case len(t.ready) == 0:
		return []outcome{t.revoked}
	}
	t.plans, t.existingOnly = t.ready, true
	steps := []step{c.limits, c.network, c.config, c.workload, c.objects}
	if knowsMembers(t.workspace) {
		steps = append(steps, c.access)
	}
	if t.workspace.Spec.State != v1alpha1.StateActive {
		steps = append(steps, c.project)
	}
	namespaces := c.namespaces(ctx, t)
	outcomes := together(ctx, t, steps...)
	return append(append(outcomes, namespaces), t.queue...)
}

// together takes steps at the same time.
func together(ctx context.Context, t *target, steps ...step) []outcome {
	return inEach(steps, func(s step) outcome { return s(ctx, t) })
}

// quota syncs the ResourceQuotas and the LimitRange of each namespace. A quota that they share is lowered everywhere before it is
// raised anywhere. A maximum that was lowered below what the
// workspace asks for applies, and blocks nothing.
func (c *Controller) quota(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionQuotaApplied
	parts := make([]desired.Part, len(t.ready))
	errs := inEach(indexes(t.ready), func(i int) (err error) {
		parts[i], err = c.quotaOf(ctx, t.ready[i])
		return err
	})
	if t.sharesQuota() {
		if err := cmp.Or(append(errs, c.lowerQuotas(ctx, parts))...); err != nil {
			return failed(condition, err)
		}
	}
	errs = inEach(indexes(t.ready), func(i int) error {
		if errs[i] != nil {
			return errs[i]
		}
		return c.sync(ctx, t.ready[i], parts[i])
	})
	t.quotasApplied = cmp.Or(errs...) == nil
	return applied(condition, errs...).or(t.tierOutcome(condition)).or(t.missing(condition)).or(t.clamped())
}

// network isolates each namespace. Without a tier that the workspace may be on, the namespaces are isolated as on a tier
// that opens nothing, and the condition says so.
func (c *Controller) network(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNetworkIsolated
	errs := inEach(t.ready, func(p *desired.Plan) error { return c.sync(ctx, p, t.networkOf(p)) })
	// Pods may still run in a namespace that is being deleted.
	terminating := inEach(t.terminating, func(p *desired.Plan) error { return c.applyTerminating(ctx, t.networkOf(p).Objects) })
	o := applied(condition, append(errs, terminating...)...).or(t.missing(condition))
	if o.done && c.NetworkNotEnforced != nil && c.NetworkNotEnforced() {
		return waiting(condition, v1alpha1.ReasonNotEnforced, notEnforced)
	}
	if !o.done || t.tierOutcome(condition).done {
		return o
	}
	return done(condition, t.tierReason, t.lostTier()+": the namespaces are isolated, and what the tier opens is closed")
}

const notEnforced = "the NetworkPolicies are in place, but the cluster does not enforce them: the network probe reached a pod " +
	"that a policy closes; install a network plugin that enforces NetworkPolicies"

// networkOf is the isolation of a namespace. Unlike limits, a tier's network rules are removed when the tier no longer applies.
func (t *target) networkOf(p *desired.Plan) desired.Part {
	if t.tierReason == "" {
		return p.Network()
	}
	closed := *p
	closed.Tier = nil
	return closed.Network()
}

// config syncs the ConfigMap that describes the workspace to its pods.
func (c *Controller) config(ctx context.Context, t *target) outcome {
	return applied(v1alpha1.ConditionNamespaceReady,
		inEach(t.ready, func(p *desired.Plan) error { return c.sync(ctx, p, p.Config()) })...)
}

// workload syncs the objects that the tier's pipelines need in each namespace.
func (c *Controller) workload(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNamespaceReady
	errs := inEach(t.ready, func(p *desired.Plan) error { return c.sync(ctx, p, p.Workload()) })
	return applied(condition, errs...).or(t.tierOutcome(condition)).or(t.pulls)
}

// quotaOf is the quota of a namespace. Without a tier, what exists becomes no larger.
func (c *Controller) quotaOf(ctx context.Context, p *desired.Plan) (desired.Part, error) {
	switch {
	case p.Tier != nil:
		return p.Quota(), nil
	case p.Workspace.Spec.State != v1alpha1.StateActive:
		return p.TierlessQuota(nil), nil // it starts nothing new, even if a quota exists
	case p.QueueLabel && !p.QueueLive:
		return p.TierlessQuota(nil), nil // what the quota was before the queue is unknown
	}
	live := &corev1.ResourceQuota{}
	err := c.Applier.Live.Get(ctx, p.QuotaKey(), live)
	switch {
	case apierrors.IsNotFound(err):
		live = nil
	case err != nil:
		return desired.Part{}, fmt.Errorf("reading ResourceQuota %q: %w", p.QuotaKey(), err)
	}
	return p.TierlessQuota(live), nil
}
