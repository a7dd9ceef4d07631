package lifecycle

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// room tells whether a workspace that has nothing yet may be provisioned: kubectl apply bypasses the edge, which refuses
// what exceeds the limits. The oldest come first, tombstones count, and what is provisioned stays so.
func (c *Controller) room(ctx context.Context, t *target) outcome {
	w := t.workspace
	if len(t.ready) > 0 || len(w.Status.Namespaces) > 0 || w.Spec.State == v1alpha1.StateDeleted {
		return outcome{done: true}
	}
	var all v1alpha1.WorkspaceList
	// Our own writes change neither number nor age: a count need not wait until the cache shows the status of every other workspace.
	if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return failed(v1alpha1.ConditionReady, fmt.Errorf("counting Workspaces and their members: %w", err))
	}
	older, members := 0, 0
	for i := range all.Items {
		if isOlder(&all.Items[i], w) {
			older++
			members += len(all.Items[i].Spec.Members)
		}
	}
	message := c.Limits.ExceededBy(len(w.Spec.Members), members)
	if older >= c.Limits.Workspaces {
		message = fmt.Sprintf("there are %d older workspaces, and MAX_WORKSPACES allows %d", older, c.Limits.Workspaces)
	}
	if message == "" {
		return outcome{done: true}
	}
	return waitFor(v1alpha1.ConditionReady, v1alpha1.ReasonLimitExceeded, message, lookAgain)
}

// isOlder orders Workspaces by age, and by name where the API server's seconds don't tell.
func isOlder(a, b *v1alpha1.Workspace) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
