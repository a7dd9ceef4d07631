package fly

import (
	"context"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k8s"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Shutdown says what became of Fly Kubernetes.
const Shutdown = "Fly Kubernetes was shut down on 2026-10-15"

// Kubernetes is the chart within the limits of Fly Kubernetes. It installs nothing unless Force is set.
type Kubernetes struct {
	*k8s.Target

	// Force installs into a cluster that still answers.
	Force bool
}

func (k *Kubernetes) allowed() error {
	if k.Force {
		return nil
	}
	return deploy.Failf(deploy.Unsupported, "%s: use Fly Machines, the default of --runtime; --force installs nevertheless", Shutdown)
}

// Setup implements [deploy.Target].
func (k *Kubernetes) Setup(ctx context.Context, steps *progress.Steps) error {
	if err := k.allowed(); err != nil {
		return err
	}
	return k.Target.Setup(ctx, steps)
}

// Up implements [deploy.Target].
func (k *Kubernetes) Up(ctx context.Context, steps *progress.Steps) error {
	if err := k.allowed(); err != nil {
		return err
	}
	return k.Target.Up(ctx, steps)
}

// KubernetesValues are the chart's: a LoadBalancer Service at Fly's edge, and nothing that Fly Kubernetes did not have or enforce.
func KubernetesValues() map[string]any {
	off := func() map[string]any { return map[string]any{"enabled": false} }
	return map[string]any{
		"replicas":            int64(2),
		"autoscaling":         off(),
		"podDisruptionBudget": off(),
		"networkPolicy":       off(),
		"probes":              off(),
		"topologySpread":      []any{},
		"service": map[string]any{
			"type": "LoadBalancer", "port": int64(443),
			"annotations": map[string]any{"service.fly.io/443-handlers": "tls,http"},
		},
		"exposure": map[string]any{"api": true}, // the load balancer can't select routes
	}
}
