package docker

import (
	"context"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Rollback implements [deploy.Historian]: it deploys the image and the compose file of a revision again, as a new revision.
func (t *Target) Rollback(ctx context.Context, steps *progress.Steps, number int) error {
	return t.locked(ctx, steps, t.o.Reason, func(ctx context.Context, op *operation) error {
		if _, _, err := op.prepare(ctx); err != nil {
			return err
		}
		all, err := op.journal(ctx)
		if err != nil {
			return err
		}
		to, err := t.rollbackTarget(ctx, all, number)
		if err != nil {
			return err
		}
		if err := op.provideAgain(ctx, to); err != nil {
			return err
		}
		again := *to
		again.Reason, again.Explanation = t.o.Reason, ""
		return op.deploy(ctx, &again)
	})
}

// rollbackTarget is the revision of a number, or the newest one before the current that worked.
func (t *Target) rollbackTarget(ctx context.Context, all journal, number int) (*revision, error) {
	if number > 0 {
		if to := all.find(number); to != nil {
			return to, nil
		}
		return nil, deploy.Failf(deploy.PreflightFailed, "%s has no revision %d: `%s` lists them", t.place(), number, t.command("history"))
	}
	current := all.newestWorked(all.next())
	if current != nil {
		if to := all.newestWorked(current.Number); to != nil {
			return to, ctx.Err()
		}
	}
	return nil, deploy.Failf(deploy.PreflightFailed, "%s has no earlier revision that worked: `%s` lists them", t.place(),
		t.command("history"))
}

// provideAgain makes sure that the host has the image of a revision: it pulls one that has a digest of a registry.
func (op *operation) provideAgain(ctx context.Context, to *revision) error {
	return op.steps.Run(ctx, "image", func(ctx context.Context, step *progress.Step) error {
		found, err := op.find(ctx, to.ImageID)
		if err != nil {
			return err
		}
		if found == nil && to.Digest != "" {
			if err := op.pull(ctx, step, to.Digest); err != nil {
				return err
			}
			found, err = op.find(ctx, to.Digest)
		}
		if err == nil && found == nil {
			err = deploy.Failf(deploy.PreflightFailed, "%s no longer has the image of revision %d, %s: deploy it again with `%s`", op.place(),
				to.Number, to.Image, op.command("up"))
		}
		step.Summarize("%s, %s", to.Image, to.ImageID)
		return err
	})
}
