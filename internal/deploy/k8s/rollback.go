package k8s

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// explainOwnership says what to do about objects that another tool has installed.
func explainOwnership(err error) error {
	if err != nil && strings.Contains(err.Error(), "invalid ownership metadata") {
		return fmt.Errorf("%w; --take-ownership adopts what another tool has installed", err)
	}
	return err
}

// restore records why a revision failed, and returns to the newest one that worked. Without one, it uninstalls what failed. It always
// returns an error.
func (t *Target) restore(ctx context.Context, steps *progress.Steps, failed *release.Release, cause error) error {
	if deploy.IsLockLost(ctx) {
		return deploy.Failf(deploy.NotRolledBack, "%w; not rolled back without the lock: `%s` shows what runs", cause,
			t.command("status"))
	}
	what, err := t.rollBack(ctx, steps, failed, cause)
	if err != nil {
		return deploy.Failf(deploy.NotRolledBack, "revision %d failed: %w; the rollback failed, too, `%s` repeats it: %w", failed.Version,
			cause, t.command("rollback"), err)
	}
	return deploy.Failf(deploy.RolledBack, "revision %d failed, and was %s: %w", failed.Version, what, cause)
}

// rollBack says what it has done with the revision that failed.
func (t *Target) rollBack(ctx context.Context, steps *progress.Steps, failed *release.Release, cause error) (what string, err error) {
	if err := t.setFailed(failed, cause); err != nil {
		return "", err
	}
	to, err := t.workedBefore(failed)
	if err != nil {
		return "", err
	}
	what = "uninstalled again, since no earlier revision worked"
	if to != nil {
		what = fmt.Sprintf("rolled back to revision %d", to.Version)
	}
	err = steps.Run(ctx, "roll_back", func(ctx context.Context, step *progress.Step) error {
		step.Summarize("%s", what)
		return t.returnTo(ctx, to, "a failure")
	})
	if err == nil && to != nil {
		err = t.awaitRestored(ctx, steps)
	}
	return what, err
}

// workedBefore is the newest revision before another one that worked, or nil.
func (t *Target) workedBefore(r *release.Release) (*release.Release, error) {
	all, err := t.history()
	return newestWorked(all, r.Version), err
}

// returnTo rolls back to a revision, or uninstalls the release where there is none. cause is for the history.
func (t *Target) returnTo(ctx context.Context, to *release.Release, cause string) error {
	if to == nil {
		return t.uninstall(t.describe(ctx, "Uninstalled after "+cause), keepHistory)
	}
	return t.rollBackTo(to.Version, t.describe(ctx, fmt.Sprintf("Rolled back to %d after %s", to.Version, cause)))
}

// awaitRestored waits for the roll-out of the newest revision, and records it.
func (t *Target) awaitRestored(ctx context.Context, steps *progress.Steps) error {
	r, err := t.last()
	if err != nil || !t.o.Wait {
		return err
	}
	name, err := deploymentOf(r)
	if err != nil || name == "" {
		return err
	}
	if err := t.rollOut(ctx, steps, name); err != nil {
		return errors.Join(err, t.setFailed(r, err))
	}
	return t.setRollOut(r, rollOutDone)
}

// rollBackTo is Helm's rollback: it also deletes what the newest revision added.
func (t *Target) rollBackTo(revision int, description string) error {
	rollback := action.NewRollback(t.helm)
	rollback.Version, rollback.Description, rollback.MaxHistory = revision, description, maxHistory
	rollback.WaitStrategy, rollback.DisableHooks, rollback.Timeout = kube.HookOnlyStrategy, true, t.o.Timeout
	rollback.ServerSideApply, rollback.ForceConflicts = "true", true
	if err := rollback.Run(t.o.Release); err != nil {
		return fmt.Errorf("rolling back to revision %d: %w", revision, err)
	}
	r, err := t.last()
	if err != nil {
		return err
	}
	return t.setRollOut(r, rollOutBegun) // Helm has copied the labels of the earlier revision
}

// recover takes back what an interrupted command has left half done.
func (t *Target) recover(ctx context.Context, steps *progress.Steps) error {
	r, err := t.last()
	if err != nil || r == nil || !r.Info.Status.IsPending() {
		return err
	}
	return steps.Run(ctx, "recover", func(ctx context.Context, step *progress.Step) error { return t.takeBack(ctx, step, r) })
}

// takeBack takes back a pending revision, unless another program may still deploy it.
func (t *Target) takeBack(ctx context.Context, step *progress.Step, r *release.Release) error {
	_, ours := rollOutOf(r)
	if age := time.Since(r.Info.LastDeployed); !ours && age < t.o.Timeout {
		return deploy.Failf(deploy.PreflightFailed,
			"revision %d is %s since %s, by another program that may still run: wait until it ends, or at most %s",
			r.Version, r.Info.Status, age.Round(time.Second), t.o.Timeout)
	}
	step.Progress(0, 0, fmt.Sprintf("revision %d is %s: the program that deployed it was interrupted", r.Version, r.Info.Status))
	if err := t.setFailed(r, errors.New("the program was interrupted")); err != nil {
		return err
	}
	to, err := t.workedBefore(r)
	if err != nil {
		return err
	}
	step.Summarize("uninstalled what revision %d left", r.Version)
	if to != nil {
		step.Summarize("rolled back to revision %d", to.Version)
	}
	return t.returnTo(ctx, to, "an interruption")
}

// Rollback implements [deploy.Historian].
func (t *Target) Rollback(ctx context.Context, steps *progress.Steps, revision int) error {
	return t.exclusive(ctx, steps, func(ctx context.Context) error {
		to, err := t.rollbackTarget(revision)
		if err != nil {
			return err
		}
		err = steps.Run(ctx, "roll_back", func(ctx context.Context, step *progress.Step) error {
			step.Summarize("revision %d is applied again", to)
			return t.rollBackTo(to, t.describe(ctx, fmt.Sprintf("Rolled back to %d", to)))
		})
		if err != nil {
			return err
		}
		r, err := t.last()
		if err != nil {
			return t.unknown(err)
		}
		return t.finish(ctx, steps, r)
	})
}

// rollbackTarget is the revision, or the newest one that worked before the current one.
func (t *Target) rollbackTarget(revision int) (int, error) {
	current, err := t.installed()
	if err != nil {
		return 0, err
	}
	all, err := t.history()
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		to := newestWorked(all, current.Version)
		if to == nil {
			return 0, deploy.Failf(deploy.PreflightFailed, "no revision before %d is known to have worked: choose one that `%s` lists",
				current.Version, t.command("history"))
		}
		return to.Version, nil
	}
	for _, r := range all {
		if r.Version == revision {
			return revision, nil
		}
	}
	return 0, deploy.Failf(deploy.PreflightFailed, "there is no revision %d: `%s` lists them", revision, t.command("history"))
}
