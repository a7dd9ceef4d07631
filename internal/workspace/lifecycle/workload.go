package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// workload makes what the tier's pipelines need in each namespace, and removes what they no longer need.
func (c *Controller) workload(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNamespaceReady
	if t.tier == nil {
		return t.tierOutcome(condition)
	}
	var wanted, unwanted []client.Object
	for _, plan := range t.ready {
		objects, unused := plan.WorkloadObjects(c.PullSecrets)
		wanted, unwanted = append(wanted, objects...), append(unwanted, unused...)
	}
	return applied(condition, append(c.removeAll(ctx, unwanted), c.apply(ctx, wanted)...)).or(t.tierOutcome(condition)).or(t.pulls)
}

// pull reads what pods pull images with into the plans. What is missing of it keeps nothing else from being done.
func (c *Controller) pull(ctx context.Context, t *target) error {
	const condition = v1alpha1.ConditionNamespaceReady
	t.pulls = done(condition, v1alpha1.ReasonApplied, "")
	if t.tier == nil || len(t.tier.Spec.Workload.ImagePullSecrets) == 0 {
		return nil
	}
	if c.PullSecrets == nil {
		message := fmt.Sprintf("the tier %s names pull secrets, and PULL_SECRETS_NAMESPACE is not set", t.tier.Name)
		t.pulls = waiting(condition, v1alpha1.ReasonPullSecretNotFound, message)
		return nil
	}
	config, missing, err := c.PullSecrets.Merge(ctx, t.tier.Spec.Workload.ImagePullSecrets)
	if err != nil {
		return err
	}
	for _, plan := range t.plans {
		plan.PullConfig = config
	}
	if len(missing) > 0 {
		message := fmt.Sprintf("of the pull secrets of the tier %s there are none that can be used: %s", t.tier.Name, strings.Join(missing, ", "))
		t.pulls = waiting(condition, v1alpha1.ReasonPullSecretNotFound, message)
	}
	return nil
}
