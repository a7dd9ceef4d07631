package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// objects syncs the objects of the tier's templates in each namespace. What one template lacks holds up no other. Without the tier, what
// exists stays.
func (c *Controller) objects(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionObjectsApplied
	if t.tier == nil || len(t.tier.Spec.Objects) == 0 && c.ObjectKinds == nil {
		return without(condition)
	}
	o := firstFailure(condition, inEach(t.ready, func(p *desired.Plan) outcome { return c.objectsIn(ctx, p) }))
	if len(t.tier.Spec.Objects) == 0 && o.done {
		return without(condition)
	}
	return o.or(t.tierOutcome(condition)).or(t.missing(condition))
}

// without removes a condition that does not apply to a workspace.
func without(condition string) outcome { return outcome{condition: condition, done: true} }

// firstFailure is the first outcome that is not done: one that is retried, if there is one.
func firstFailure(condition string, all []outcome) outcome {
	o := done(condition, v1alpha1.ReasonApplied, "")
	for _, of := range all {
		if o.done || o.err == nil && of.err != nil {
			o = of
		}
	}
	return o
}

// objectsIn syncs the objects in one namespace.
func (c *Controller) objectsIn(ctx context.Context, p *desired.Plan) outcome {
	const condition = v1alpha1.ConditionObjectsApplied
	wanted, problems := p.TierObjects(c.objectKinds())
	all := inEach(wanted, func(want *unstructured.Unstructured) outcome { return c.applyObject(ctx, want) })
	for _, problem := range problems {
		all = append(all, waiting(condition, problem.Reason, bounded("the tier "+p.Tier.Name+": "+problem.String())))
	}
	return firstFailure(condition, append(all, c.pruneObjects(ctx, p, wanted, problems)))
}

// pruneObjects removes the objects that no template gives. It keeps those whose template can't be used now, and all while one gives no
// name. It is not done while a kind can't be listed.
func (c *Controller) pruneObjects(
	ctx context.Context, p *desired.Plan, wanted []*unstructured.Unstructured, problems []*desired.ObjectProblem,
) outcome {
	const condition = v1alpha1.ConditionObjectsApplied
	if c.ObjectKinds == nil {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	keep := make([]client.Object, 0, len(wanted)+len(problems))
	for _, o := range wanted {
		keep = append(keep, o)
	}
	for _, problem := range problems {
		if problem.Object == nil {
			return done(condition, v1alpha1.ReasonApplied, "")
		}
		keep = append(keep, problem.Object)
	}
	err := c.tierObjects.Prune(ctx, c.ObjectKinds.Client, p.Namespace.Name, c.ObjectKinds.Watched(), keep)
	if kind, unlisted := c.ObjectKinds.Unlisted(); err == nil && unlisted != nil {
		return unavailable(kind, unlisted) // there may be objects of it
	}
	return applied(condition, err)
}

// applyObject applies an object, if the cluster has its kind.
func (c *Controller) applyObject(ctx context.Context, want *unstructured.Unstructured) outcome {
	const condition = v1alpha1.ConditionObjectsApplied
	kind := want.GroupVersionKind()
	if err := c.ObjectKinds.Check(kind); err != nil {
		return unavailable(kind, err)
	}
	err := c.tierObjects.Apply(ctx, want)
	if k8s.IsNotServed(err) {
		c.ObjectKinds.Lost(ctx, kind)
		if lost := c.ObjectKinds.Check(kind); lost != nil {
			return unavailable(kind, lost)
		}
	}
	return applied(condition, err)
}

// unavailable is the outcome for an object whose kind can't be used.
func unavailable(kind schema.GroupVersionKind, err error) outcome {
	const condition = v1alpha1.ConditionObjectsApplied
	reason := v1alpha1.ReasonTierInvalid
	switch {
	case errors.Is(err, k8s.ErrKindNotInstalled):
		reason = v1alpha1.ReasonKindNotInstalled
	case errors.Is(err, k8s.ErrKindClusterScoped):
	case errors.Is(err, k8s.ErrKindNotListed):
		reason = v1alpha1.ReasonKubernetesUnavailable
	default:
		o := apiError(condition, fmt.Errorf("%s: %w", workspace.ObjectKindName(kind), err))
		o.err = nil // OnKind is called when objects of the kind can be listed
		return o
	}
	return waiting(condition, reason, fmt.Sprintf("%s: %v", workspace.ObjectKindName(kind), err))
}

// objectKinds are the kinds that objects of tiers may have.
func (c *Controller) objectKinds() workspace.ObjectKinds {
	if c.ObjectKinds == nil {
		return nil
	}
	return c.ObjectKinds.Kinds()
}

// acceptedObjects says what of a tier's templates can't have its effect.
func (c *Controller) acceptedObjects(tier *v1alpha1.WorkspaceTier) outcome {
	const condition = v1alpha1.TierConditionAccepted
	if problems := desired.CheckTierObjects(tier, c.objectKinds(), c.Naming.Domains()); len(problems) > 0 {
		texts := make([]string, len(problems))
		for i, problem := range problems {
			texts[i] = problem.String()
		}
		return waiting(condition, v1alpha1.ReasonTierInvalid, bounded(strings.Join(texts, "; ")))
	}
	for i := range tier.Spec.Objects {
		template := &tier.Spec.Objects[i]
		kind := schema.FromAPIVersionAndKind(template.APIVersion, template.Kind)
		if err := c.ObjectKinds.Check(kind); err != nil {
			o := unavailable(kind, err)
			return waiting(condition, o.reason, bounded(fmt.Sprintf("spec.objects[%d]: %s", i, o.message)))
		}
	}
	return done(condition, v1alpha1.ReasonAccepted, "")
}

// watchObjects has the workspaces reconciled whose objects change, and all when a kind becomes usable: there may be something to prune.
func (c *Controller) watchObjects(cached client.Reader) {
	if c.ObjectKinds == nil {
		return
	}
	c.ObjectKinds.OnObject = func(ctx context.Context, o client.Object) { c.queue.add(requestOfChild(ctx, cached, o)...) }
	c.ObjectKinds.OnKind = func(ctx context.Context) {
		c.tiers.signal()
		c.requeueAll(ctx)
	}
}
