package lifecycle

import (
	"context"
	"fmt"
	"maps"
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

// target is one Workspace, and what its steps work on.
type target struct {
	workspace *v1alpha1.Workspace
	// tier is what the namespaces that exist are kept to: the tier of the spec, or, while that does not exist or does not
	// allow the workspace, the tier that was applied last. It is nil if there is neither.
	tier *v1alpha1.WorkspaceTier
	// tierReason is why nothing new is created: TierNotFound or TierNotAllowed. It is empty if the tier of the spec applies.
	tierReason string
	// read is the tier of the spec, whether it applies or not; zero if it does not exist.
	read appliedTier
	// existingOnly says that nothing new is created: the spec is not one to provision.
	existingOnly bool
	// plans has one plan for each namespace.
	plans []*desired.Plan
	// ready are the plans whose namespace exists and is ours; existing are those of them from before this Reconcile.
	ready, existing []*desired.Plan
	// terminating are the plans whose namespace is ours, and is being deleted.
	terminating []*desired.Plan
	// owned are the namespaces that existed and were ours at the beginning.
	owned []v1alpha1.NamespaceReference
	// queueLabelled are the plans whose namespace had the label of a queue at the beginning.
	queueLabelled map[*desired.Plan]bool
	// quotasApplied says that all ResourceQuotas are as desired, and queue is the outcome of the step of the queue.
	quotasApplied bool
	queue         []outcome
	// revoked is the outcome of revokeAccess, and pulls says whether all pull secrets of the tier were found.
	revoked, pulls outcome
}

// observe reads, from the caches, which of the workspace's namespaces exist.
func (c *Controller) observe(ctx context.Context, w *v1alpha1.Workspace) (*target, error) {
	t := &target{workspace: w, queueLabelled: map[*desired.Plan]bool{}}
	for _, namespace := range c.Naming.Namespaces(w.Name) {
		plan := c.newPlan(w, namespace)
		t.plans = append(t.plans, plan)
		var have corev1.Namespace
		switch err := c.Applier.Get(ctx, client.ObjectKey{Name: namespace.Name}, &have); {
		case client.IgnoreNotFound(err) != nil:
			return nil, fmt.Errorf("reading Namespace %q: %w", namespace.Name, err)
		case err != nil || k8s.WorkspaceOf(&have) != w.Name:
		case !have.DeletionTimestamp.IsZero():
			t.terminating = append(t.terminating, plan)
		default:
			t.addExisting(plan, &have)
		}
	}
	if w.Spec.State == v1alpha1.StateDeleted {
		t.plans = t.ready // what exists is locked, nothing is created
	}
	return t, nil
}

// newPlan is the plan of a namespace, still without what depends on the tier.
func (c *Controller) newPlan(w *v1alpha1.Workspace, namespace workspace.Namespace) *desired.Plan {
	return &desired.Plan{
		Cluster: c.Cluster, Workspace: w, Namespace: namespace, ConsoleURL: c.ConsoleURL(w.Name),
		CopiesPullSecrets: c.PullSecrets != nil, Domains: c.Naming.Domains(),
	}
}

// addExisting records that the plan's namespace exists and is the workspace's.
func (t *target) addExisting(plan *desired.Plan, have *corev1.Namespace) {
	t.ready = append(t.ready, plan)
	if have.Labels[v1alpha1.LabelQueue] != "" {
		t.queueLabelled[plan] = true
	}
	t.owned = append(t.owned, v1alpha1.NamespaceReference{Name: have.Name, UID: have.UID})
}

// readTier reads, from the caches, the tier and what it needs into the target and its plans. If that fails, the plans have
// no tier: access can still be taken away.
func (c *Controller) readTier(ctx context.Context, t *target) (err error) {
	get := func(name string) (*v1alpha1.WorkspaceTier, error) {
		tier, err := c.getTier(ctx, name)
		if tier != nil && name == t.workspace.Spec.Tier {
			t.read = appliedTier{name, tier.Generation}
		}
		return tier, err
	}
	if t.tier, t.tierReason, err = tierOf(t.workspace, get); err != nil {
		return err
	}
	config, err := c.readPullSecrets(ctx, t)
	if err != nil {
		return err
	}
	apiServers, err := c.readAPIServers(ctx, t.tier)
	if err != nil {
		return err
	}
	for _, plan := range slices.Concat(t.plans, t.terminating) {
		plan.Tier, plan.PullConfig, plan.APIServers = t.tier, config, apiServers
	}
	return nil
}

// tierOf is the tier that a workspace is kept to, and why it is not that of the spec, or "": the tier that was applied last
// replaces it then. Of a workspace whose content has not arrived, the tier is not known. get returns nil if there is no such tier.
func tierOf(
	w *v1alpha1.Workspace, get func(string) (*v1alpha1.WorkspaceTier, error),
) (tier *v1alpha1.WorkspaceTier, reason string, err error) {
	if workspace.HasContent(w) {
		tier, err = get(w.Spec.Tier)
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
	tier, err = get(w.Status.Tier)
	return tier, reason, err
}

// getTier returns nil if the tier does not exist.
func (c *Controller) getTier(ctx context.Context, name string) (*v1alpha1.WorkspaceTier, error) {
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

// readPullSecrets merges the pull secrets of the tier. A missing one blocks no other step.
func (c *Controller) readPullSecrets(ctx context.Context, t *target) (config []byte, err error) {
	const condition = v1alpha1.ConditionNamespaceReady
	t.pulls = done(condition, v1alpha1.ReasonApplied, "")
	switch {
	case t.tier == nil || len(t.tier.Spec.Workload.ImagePullSecrets) == 0:
		return nil, nil
	case c.PullSecrets == nil:
		message := fmt.Sprintf("the tier %s names pull secrets, and PULL_SECRETS_NAMESPACE is not set", t.tier.Name)
		t.pulls = waiting(condition, v1alpha1.ReasonPullSecretNotFound, message)
		return nil, nil
	}
	config, missing, err := c.PullSecrets.Merge(ctx, t.tier.Spec.Workload.ImagePullSecrets)
	if len(missing) > 0 {
		message := fmt.Sprintf("these pull secrets of the tier %s do not exist, or are not of type kubernetes.io/dockerconfigjson: %s",
			t.tier.Name, strings.Join(missing, ", "))
		t.pulls = waiting(condition, v1alpha1.ReasonPullSecretNotFound, message)
	}
	return config, err
}

// readAPIServers reads where pods reach the Kubernetes API, if the tier opens that.
func (c *Controller) readAPIServers(ctx context.Context, tier *v1alpha1.WorkspaceTier) (all []desired.APIServer, err error) {
	if tier == nil || tier.Spec.Workload.Role == "" {
		return nil, nil
	}
	for _, object := range k8s.APIServerObjects() {
		switch err := c.client.Get(ctx, k8s.APIServerKey(), object); {
		case client.IgnoreNotFound(err) != nil:
			return nil, fmt.Errorf("reading the addresses of the Kubernetes API: %w", err)
		case err == nil:
			all = append(all, desired.APIServerOf(object))
		}
	}
	return all, nil
}

// tierOutcome is the outcome of a step that follows the tier, once it is done where namespaces exist. A deleted workspace
// needs no tier: nothing is created for it.
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

// lostTier says why the tier of the spec does not apply.
func (t *target) lostTier() string {
	if t.tierReason == v1alpha1.ReasonTierNotAllowed {
		return fmt.Sprintf("the WorkspaceTier %q does not allow this workspace", t.workspace.Spec.Tier)
	}
	return fmt.Sprintf("the WorkspaceTier %q does not exist", t.workspace.Spec.Tier)
}

// missing is the outcome of a step that works in all namespaces, if some of them do not exist.
func (t *target) missing(condition string) outcome {
	if len(t.ready) == len(t.plans) {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	return waiting(condition, v1alpha1.ReasonWaitingForNamespace, "not all namespaces exist yet; see NamespaceReady")
}

// clamped reports the amounts that the tier's maximum lowers, and the domains of the tier that no namespace is of.
func (t *target) clamped() outcome {
	const condition = v1alpha1.ConditionQuotaApplied
	if t.tier == nil {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	unknown := maps.Clone(t.tier.Spec.Domains)
	for _, plan := range t.plans {
		delete(unknown, plan.Namespace.Domain)
	}
	lowered := t.loweredAmounts()
	switch {
	case len(lowered) > 0:
		message := fmt.Sprintf("the maximum of the tier %s holds for: %s", t.tier.Name, strings.Join(lowered, ", "))
		return done(condition, v1alpha1.ReasonQuotaClamped, bounded(message))
	case len(unknown) > 0 && t.workspace.Spec.State != v1alpha1.StateDeleted:
		message := fmt.Sprintf("the tier %s has quotas or shares of domains that no namespace is of: %s",
			t.tier.Name, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
		return done(condition, v1alpha1.ReasonDomainIgnored, bounded(message))
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// loweredAmounts are the keys of the quota that the tier's maximum lowers, with their domain if each has a quota of its own.
func (t *target) loweredAmounts() (lowered []string) {
	for _, plan := range t.plans {
		for _, key := range plan.Clamped() {
			if !workspace.SharesQuota(t.tier) {
				key = strings.TrimSuffix(key+" in "+plan.Namespace.Domain, " in ")
			}
			if !slices.Contains(lowered, key) {
				lowered = append(lowered, key)
			}
		}
	}
	return lowered
}
