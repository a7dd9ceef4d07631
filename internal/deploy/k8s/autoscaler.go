package k8s

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/rollout"
)

// withinAutoscaler gives the Deployment a number of replicas that its autoscaler allows. The autoscaler does the same, later. It matters
// when an autoscaler is new: then Helm no longer sets the number, and the API server would take 1.
func (t *Target) withinAutoscaler(ctx context.Context, name string) error {
	var hpa autoscalingv2.HorizontalPodAutoscaler
	key := client.ObjectKey{Namespace: t.o.Namespace, Name: name}
	if err := t.client.Get(ctx, key, &hpa); err != nil {
		return client.IgnoreNotFound(err)
	}
	d := &appsv1.Deployment{}
	if err := t.client.Get(ctx, key, d); err != nil {
		return fmt.Errorf("reading Deployment %q: %w", name, err)
	}
	least := 1
	if hpa.Spec.MinReplicas != nil {
		least = int(*hpa.Spec.MinReplicas)
	}
	now := rollout.StateOf(d).Total
	wanted := min(max(now, least), int(hpa.Spec.MaxReplicas))
	if now == 0 || now == wanted {
		return nil
	}
	return t.patch(ctx, d, patch{"spec": map[string]any{"replicas": wanted}})
}

// autoscaler describes the autoscaler of a Deployment, or is "".
func (t *Target) autoscaler(ctx context.Context, name string) (string, error) {
	var hpa autoscalingv2.HorizontalPodAutoscaler
	if err := t.client.Get(ctx, client.ObjectKey{Namespace: t.o.Namespace, Name: name}, &hpa); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	least := int32(1)
	if hpa.Spec.MinReplicas != nil {
		least = *hpa.Spec.MinReplicas
	}
	return fmt.Sprintf("%d to %d replicas", least, hpa.Spec.MaxReplicas), nil
}
