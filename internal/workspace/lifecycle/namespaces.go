package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// namespaces creates the namespaces, and notes in the target which of them exist. Without the tier of the spec, it creates
// none, and enforces those that exist.
func (c *Controller) namespaces(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNamespaceReady
	plans, apply := t.plans, c.Applier.Apply
	if t.tierReason != "" || t.existingOnly {
		plans, apply = t.ready, c.Applier.ApplyExisting
	}
	errs := inEach(plans, func(p *desired.Plan) error {
		want, err := c.namespaceOf(ctx, p)
		if want == nil {
			return err
		}
		return apply(ctx, want)
	})
	for i, err := range errs {
		t.recordApplied(plans[i], err)
	}
	t.recordNamespaces()
	return applied(condition, errs...).or(t.tierOutcome(condition)).or(t.unrendered(condition))
}

// recordApplied notes whether the plan's namespace exists and is the workspace's, after an attempt to apply it.
func (t *target) recordApplied(plan *desired.Plan, err error) {
	if err != nil && !t.queueLabelled[plan] {
		plan.QueueLive = false // pods could bypass the queue
	}
	switch {
	case err == nil && !slices.Contains(t.ready, plan):
		t.ready = append(t.ready, plan)
	case errors.Is(err, k8s.ErrForeign): // since the cache was read
		t.ready = slices.DeleteFunc(slices.Clone(t.ready), func(p *desired.Plan) bool { return p == plan })
	}
}

// namespaceOf is the Namespace as it should be, or nil if there is none to keep without a tier.
func (c *Controller) namespaceOf(ctx context.Context, p *desired.Plan) (*corev1.Namespace, error) {
	if p.Tier != nil {
		return p.NamespaceObject(), nil
	}
	live := &corev1.Namespace{}
	err := c.Applier.Live.Get(ctx, client.ObjectKey{Name: p.Namespace.Name}, live)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading Namespace %q: %w", p.Namespace.Name, err)
	}
	return p.TierlessNamespace(live), nil
}

// recordNamespaces writes the namespaces that exist into the status, in the order of the domains, and the tier that they have.
func (t *target) recordNamespaces() {
	if !workspace.HasContent(t.workspace) {
		return // a status with namespaces says that the content has arrived
	}
	names := make([]string, 0, len(t.ready))
	for _, plan := range t.plans {
		if slices.Contains(t.ready, plan) {
			names = append(names, plan.Namespace.Name)
		}
	}
	t.workspace.Status.Namespaces = names
	if len(names) > 0 && t.tierReason == "" {
		t.workspace.Status.Tier = t.workspace.Spec.Tier
	}
}

// unrendered reports the tier's annotations that were left out.
func (t *target) unrendered(condition string) outcome {
	if t.tier == nil {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	for _, plan := range t.ready {
		if keys := plan.UnrenderedAnnotations(); len(keys) > 0 {
			message := fmt.Sprintf("the tier %s wants {domain} in annotations, but NAMESPACE_TEMPLATE has no {domain}: %s are left out",
				t.tier.Name, strings.Join(keys, ", "))
			return waiting(condition, v1alpha1.ReasonTierInvalid, bounded(message))
		}
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// NamespacesThatWouldChange names the workspaces that the naming would move to other namespaces, a line for each, sorted: those that
// were provisioned in a namespace which still exists and is theirs, and which the naming would not give them.
func NamespacesThatWouldChange(ctx context.Context, cached client.Reader, naming *workspace.Naming) (lines []string, err error) {
	var namespaces corev1.NamespaceList
	if err := cached.List(ctx, &namespaces, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Namespaces: %w", err)
	}
	owner := make(map[string]string, len(namespaces.Items))
	for i := range namespaces.Items {
		owner[namespaces.Items[i].Name] = k8s.WorkspaceOf(&namespaces.Items[i])
	}
	var all v1alpha1.WorkspaceList
	if err := cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	for i := range all.Items {
		w := &all.Items[i]
		for _, name := range w.Status.Namespaces {
			if owner[name] == w.Name && !isNamedFor(naming, w.Name, name) {
				would := strings.Join(names(naming, w.Name), ", ")
				lines = append(lines, fmt.Sprintf("workspace %s has the namespace %s, and would get %s", w.Name, name, would))
			}
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// names are the namespaces that a workspace gets.
func names(naming *workspace.Naming, id string) (all []string) {
	for _, namespace := range naming.Namespaces(id) {
		all = append(all, namespace.Name)
	}
	return all
}

func isNamedFor(naming *workspace.Naming, id, namespace string) bool {
	return slices.Contains(names(naming, id), namespace)
}
