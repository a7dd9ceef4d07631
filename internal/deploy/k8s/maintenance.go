package k8s

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// annotationMaintenance marks a node that DrainForMaintenance has cordoned.
const annotationMaintenance = "platform.company.com/cordoned-for-maintenance"

// DrainForMaintenance drains a node that comes back. EndMaintenance uncordons it, unless somebody else had cordoned it before.
func (t *Target) DrainForMaintenance(ctx context.Context, step *progress.Step, name string) error {
	var node corev1.Node
	if err := t.client.Get(ctx, client.ObjectKey{Name: name}, &node); err != nil {
		return fmt.Errorf("reading node %q: %w", name, err)
	}
	if !node.Spec.Unschedulable {
		before := node.DeepCopy()
		if node.Annotations == nil {
			node.Annotations = map[string]string{}
		}
		node.Annotations[annotationMaintenance], node.Spec.Unschedulable = "true", true
		if err := t.client.Patch(ctx, &node, client.MergeFrom(before)); err != nil {
			return fmt.Errorf("cordoning node %q: %w", name, err)
		}
	}
	return t.DrainNode(ctx, step, name)
}

// EndMaintenance uncordons a node that DrainForMaintenance has cordoned, and reports whether it was one.
func (t *Target) EndMaintenance(ctx context.Context, name string) (bool, error) {
	var node corev1.Node
	if err := t.client.Get(ctx, client.ObjectKey{Name: name}, &node); err != nil {
		return false, fmt.Errorf("reading node %q: %w", name, err)
	}
	if _, ok := node.Annotations[annotationMaintenance]; !ok {
		return false, nil
	}
	before := node.DeepCopy()
	delete(node.Annotations, annotationMaintenance)
	node.Spec.Unschedulable = false
	if err := t.client.Patch(ctx, &node, client.MergeFrom(before)); err != nil {
		return false, fmt.Errorf("uncordoning node %q: %w", name, err)
	}
	return true, nil
}
