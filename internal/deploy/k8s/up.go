package k8s

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/client-go/discovery"

	"platform.company.com/workspace-flyte-integration/internal/crd"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// maxHistory is how many revisions Helm keeps.
const maxHistory = 10

// Up implements [deploy.Target]. If replicas do not get ready in time, it restores the newest revision that worked.
func (t *Target) Up(ctx context.Context, steps *progress.Steps) error {
	c, values, err := t.chart()
	if err != nil {
		return err
	}
	return t.exclusive(ctx, steps, func(ctx context.Context) error {
		err := steps.Run(ctx, "preflight", func(ctx context.Context, step *progress.Step) error {
			return t.preflight(ctx, step, c, values)
		})
		if err != nil {
			return err
		}
		if err := t.recover(ctx, steps); err != nil {
			return err
		}
		if err := t.upgradeCRDs(ctx, steps, values); err != nil {
			return err
		}
		return t.change(ctx, steps, "Deployed", c, values)
	})
}

// change installs the chart or upgrades to it, waits, and rolls back on failure.
func (t *Target) change(ctx context.Context, steps *progress.Steps, what string, c *chart.Chart, values map[string]any) error {
	before, err := t.last()
	if err != nil {
		return err
	}
	err = steps.Run(ctx, "apply", func(ctx context.Context, step *progress.Step) error {
		return t.apply(ctx, step, before, what, c, values)
	})
	after, errLast := t.last()
	switch {
	case errLast != nil:
		return errors.Join(err, t.unknown(errLast))
	case err != nil && (after == nil || before != nil && after.Version == before.Version):
		return err // nothing was changed
	case err != nil:
		return t.restore(ctx, steps, after, err)
	}
	return t.finish(ctx, steps, after)
}

// finish waits for the roll-out of a revision that is applied.
func (t *Target) finish(ctx context.Context, steps *progress.Steps, r *release.Release) error {
	name, err := deploymentOf(r)
	if err != nil || name == "" { // `install: target` has none
		return err
	}
	if err := t.startStopped(ctx, steps, name); err != nil {
		return err
	}
	if err := t.withinAutoscaler(ctx, name); err != nil {
		return t.unknown(err)
	}
	if !t.o.Wait {
		return nil
	}
	return t.awaitRevision(ctx, steps, r, name)
}

// awaitRevision waits for the roll-out of a revision's Deployment and records it. If replicas do not get ready, it rolls back.
func (t *Target) awaitRevision(ctx context.Context, steps *progress.Steps, r *release.Release, name string) error {
	err := t.rollOut(ctx, steps, name)
	var failed *rollOutError
	switch {
	case err == nil:
		return t.setRollOut(r, rollOutDone)
	case ctx.Err() != nil:
		return fmt.Errorf("revision %d is applied, and its roll-out continues: `%s` shows it: %w",
			r.Version, t.command("status"), context.Cause(ctx))
	case !errors.As(err, &failed):
		return t.unknown(err)
	}
	return t.restore(ctx, steps, r, err)
}

// unknown is the error for what happened while the API server could not be reached.
func (t *Target) unknown(err error) error {
	return deploy.Failf(deploy.Unknown, "the outcome is unknown: `%s` shows it: %w", t.command("status"), err)
}

// apply runs Helm's own action. It does not stop halfway when the command is interrupted.
func (t *Target) apply(
	ctx context.Context, step *progress.Step, before *release.Release, what string, c *chart.Chart, values map[string]any,
) error {
	ctx = context.WithoutCancel(ctx)
	labels := t.newLabels(before)
	if err := t.keepScale(before, labels, c, values); err != nil {
		return err
	}
	if before == nil || before.Info.Status == common.StatusUninstalled {
		install := t.newInstall(t.describe(ctx, what), labels)
		install.SkipCRDs = values["install"] == "service"
		_, err := install.RunWithContext(ctx, c, values)
		step.Summarize("installed %s %s", c.Name(), c.AppVersion())
		return explainOwnership(err)
	}
	_, err := t.newUpgrade(t.describe(ctx, what), labels).RunWithContext(ctx, t.o.Release, c, values)
	step.Summarize("upgraded to revision %d, %s %s", before.Version+1, c.Name(), c.AppVersion())
	return explainOwnership(err)
}

// newLabels are the labels of the revision after another one, or of the first one.
func (t *Target) newLabels(before *release.Release) map[string]string {
	next := 1
	if before != nil {
		next = before.Version + 1
	}
	labels := map[string]string{labelRollOut: rollOutLabel(rollOutBegun, next)}
	if t.scaled != "" {
		labels[labelScaled] = t.scaled
	}
	return labels
}

func (t *Target) newInstall(description string, labels map[string]string) *action.Install {
	install := action.NewInstall(t.helm)
	install.ReleaseName, install.Namespace, install.Replace = t.o.Release, t.o.Namespace, true
	install.Description, install.Labels = description, labels
	install.WaitStrategy, install.DisableHooks, install.Timeout = kube.HookOnlyStrategy, true, t.o.Timeout
	install.TakeOwnership, install.ForceConflicts = t.o.TakeOwnership, true
	return install
}

func (t *Target) newUpgrade(description string, labels map[string]string) *action.Upgrade {
	upgrade := action.NewUpgrade(t.helm)
	upgrade.Namespace, upgrade.ResetValues, upgrade.MaxHistory = t.o.Namespace, true, maxHistory
	upgrade.Description, upgrade.Labels = description, labels
	upgrade.WaitStrategy, upgrade.DisableHooks, upgrade.Timeout = kube.HookOnlyStrategy, true, t.o.Timeout
	upgrade.TakeOwnership, upgrade.ServerSideApply, upgrade.ForceConflicts = t.o.TakeOwnership, "true", true
	return upgrade
}

// keepScale keeps the number of replicas of the last Scale, unless the values name one.
func (t *Target) keepScale(before *release.Release, labels map[string]string, c *chart.Chart, values map[string]any) error {
	if labels[labelScaled] != "" || before == nil || before.Labels[labelScaled] == "" {
		return nil
	}
	if namesReplicas(values) {
		labels[labelScaled] = "null" // Helm removes it
		return nil
	}
	replicas, err := strconv.Atoi(before.Labels[labelScaled])
	if err != nil {
		return fmt.Errorf("reading the label %s of revision %d: %w", labelScaled, before.Version, err)
	}
	return setReplicas(c, values, replicas)
}

// upgradeCRDs gives existing CRDs the fields of this version, as the chart's Job does. Helm installs missing ones.
func (t *Target) upgradeCRDs(ctx context.Context, steps *progress.Steps, values map[string]any) error {
	if values["install"] == "service" {
		return nil
	}
	return steps.Run(ctx, "upgrade_crds", func(ctx context.Context, step *progress.Step) error {
		api, err := discovery.NewDiscoveryClientForConfig(t.config)
		if err != nil {
			return fmt.Errorf("making a client: %w", err)
		}
		upgraded, err := crd.Upgrade(ctx, t.client, api.OpenAPIV3WithContext(ctx))
		if len(upgraded) == 0 && err == nil {
			step.Skip("the cluster has none: they are installed with the chart")
		}
		return err
	})
}

// copyValues copies the values of a revision, so that they can be changed.
func copyValues(r *release.Release) map[string]any {
	values := map[string]any{}
	for key, value := range r.Config {
		if below, ok := value.(map[string]any); ok {
			value = maps.Clone(below)
		}
		values[key] = value
	}
	return values
}
