package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
	"platform.company.com/workspace-flyte-integration/internal/rollout"
)

const (
	// annotationStopped is the number of replicas that a stopped Deployment had.
	annotationStopped = "platform.company.com/stopped-replicas"
	// annotationRestarted is the one of `kubectl rollout restart`.
	annotationRestarted = "kubectl.kubernetes.io/restartedAt"
	patchOwner          = "integrationctl"
)

// Scale implements [deploy.Scaler]. It is a revision of its own, with the chart and the values of the installed one, and not a change of
// the Deployment beside Helm: an autoscaler, or the next Up, would take that back.
func (t *Target) Scale(ctx context.Context, steps *progress.Steps, replicas int) error {
	return t.exclusive(ctx, steps, func(ctx context.Context) error {
		r, err := t.installed()
		if err != nil {
			return err
		}
		if r.Info.Status.IsPending() {
			return deploy.Failf(deploy.PreflightFailed, "revision %d is %s: run `%s` first", r.Version, r.Info.Status, t.command("up"))
		}
		values := copyValues(r)
		if err := setReplicas(r.Chart, values, replicas); err != nil {
			return err
		}
		t.scaled = strconv.Itoa(replicas)
		return t.change(ctx, steps, fmt.Sprintf("Scaled to %d", replicas), r.Chart, values)
	})
}

// deployment reads the Deployment of the newest revision. Where there is no release, it takes the one that a GitOps tool has installed
// under the name of the release.
func (t *Target) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	r, errRelease := t.installed()
	name := t.o.Release
	if errRelease == nil {
		var err error
		if name, err = deploymentOf(r); err != nil {
			return nil, err
		}
	}
	if name == "" {
		return nil, deploy.Failf(deploy.Unsupported,
			"release %q has no Deployment, since its values have install: target: name the cluster of the service with --context", t.o.Release)
	}
	d := &appsv1.Deployment{}
	err := t.client.Get(ctx, client.ObjectKey{Namespace: t.o.Namespace, Name: name}, d)
	switch {
	case err != nil && errRelease != nil:
		return nil, errRelease
	case err != nil:
		return nil, fmt.Errorf("reading Deployment %q: %w", name, err)
	}
	return d, nil
}

// patch is a merge patch of the Deployment.
type patch map[string]any

func (t *Target) patch(ctx context.Context, d *appsv1.Deployment, p patch) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := t.client.Patch(ctx, d, client.RawPatch(client.Merge.Type(), text), client.FieldOwner(patchOwner)); err != nil {
		return fmt.Errorf("changing Deployment %q: %w", d.Name, err)
	}
	return nil
}

func restartPatch() patch {
	annotations := map[string]any{annotationRestarted: time.Now().UTC().Format(time.RFC3339)}
	return patch{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": annotations}}}}
}

// onDeployment runs steps on the Deployment under the target's lock.
func (t *Target) onDeployment(ctx context.Context, steps *progress.Steps, do func(context.Context, *appsv1.Deployment) error) error {
	return t.exclusive(ctx, steps, func(ctx context.Context) error {
		d, err := t.deployment(ctx)
		if err != nil {
			return err
		}
		return do(ctx, d)
	})
}

// Restart implements [deploy.Restarter].
func (t *Target) Restart(ctx context.Context, steps *progress.Steps) error {
	return t.onDeployment(ctx, steps, func(ctx context.Context, d *appsv1.Deployment) error {
		err := steps.Run(ctx, "restart", func(ctx context.Context, _ *progress.Step) error { return t.patch(ctx, d, restartPatch()) })
		if err != nil || !t.o.Wait {
			return err
		}
		return t.rollOut(ctx, steps, d.Name)
	})
}

func replicasPatch(replicas int, annotation any) patch {
	return patch{
		"metadata": map[string]any{"annotations": map[string]any{annotationStopped: annotation}},
		"spec":     map[string]any{"replicas": replicas},
	}
}

// Stop implements [deploy.Stopper]. An autoscaler leaves a Deployment without replicas alone.
func (t *Target) Stop(ctx context.Context, steps *progress.Steps) error {
	return t.onDeployment(ctx, steps, func(ctx context.Context, d *appsv1.Deployment) error {
		return steps.Run(ctx, "stop", func(ctx context.Context, step *progress.Step) error {
			replicas := rollout.StateOf(d).Total
			if replicas == 0 {
				step.Skip("no replica runs")
				return nil
			}
			if err := t.patch(ctx, d, replicasPatch(0, strconv.Itoa(replicas))); err != nil || !t.o.Wait {
				return err
			}
			return t.awaitRollOut(ctx, step, d.Name)
		})
	})
}

// Start implements [deploy.Stopper].
func (t *Target) Start(ctx context.Context, steps *progress.Steps) error {
	return t.onDeployment(ctx, steps, func(ctx context.Context, d *appsv1.Deployment) error {
		if d.Annotations[annotationStopped] == "" {
			return fmt.Errorf("`deploy stop` has stopped no replicas: `%s` changes their number", t.command("scale"))
		}
		if err := t.startStopped(ctx, steps, d.Name); err != nil || !t.o.Wait {
			return err
		}
		return t.rollOut(ctx, steps, d.Name)
	})
}

// startStopped gives a stopped Deployment the replicas that it had.
func (t *Target) startStopped(ctx context.Context, steps *progress.Steps, name string) error {
	d := &appsv1.Deployment{}
	if err := t.client.Get(ctx, client.ObjectKey{Namespace: t.o.Namespace, Name: name}, d); err != nil {
		return t.unknown(fmt.Errorf("reading Deployment %q: %w", name, err))
	}
	stopped := d.Annotations[annotationStopped]
	if stopped == "" {
		return nil
	}
	return steps.Run(ctx, "start", func(ctx context.Context, _ *progress.Step) error {
		replicas, err := strconv.Atoi(stopped)
		if err != nil {
			return fmt.Errorf("reading the annotation %s of Deployment %q: %w", annotationStopped, name, err)
		}
		if now := rollout.StateOf(d).Total; now > 0 { // the values have named a number
			replicas = now
		}
		return t.patch(ctx, d, replicasPatch(replicas, nil))
	})
}
