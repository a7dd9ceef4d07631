package docker

import (
	"context"
	"fmt"
	"strconv"

	"github.com/moby/moby/api/types/container"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// recover puts in order what an interrupted program has left: a candidate, two containers of which one serves, or a revision whose record
// says that it has only begun.
func (op *operation) recover(ctx context.Context) error {
	candidate, err := op.inspect(ctx, op.candidate())
	if err != nil {
		return err
	}
	old, err := op.inspect(ctx, op.previous())
	if err != nil {
		return err
	}
	all, err := op.journal(ctx)
	if err != nil || candidate == nil && old == nil && !all.hasBegun() {
		return err
	}
	return op.steps.Run(ctx, "recover", func(ctx context.Context, step *progress.Step) error {
		if err := op.removeInterrupted(ctx, step, old); err != nil {
			return err
		}
		return op.closeBegun(ctx, all)
	})
}

// removeInterrupted removes the containers of an interrupted program. The one that served before, if there is one, serves again.
func (op *operation) removeInterrupted(ctx context.Context, step *progress.Step, old *container.InspectResponse) error {
	step.Summarize("an interrupted program has left a deployment half done")
	if err := op.remove(ctx, op.candidate()); err != nil || old == nil {
		return err
	}
	if err := op.serveAgain(ctx, step, old); err != nil {
		return fmt.Errorf("starting the container that an interrupted program has stopped: %w", err)
	}
	step.Summarize("an interrupted program has left a deployment half done: the earlier container serves again")
	return nil
}

// serveAgain gives a container its name and its port again.
func (op *operation) serveAgain(ctx context.Context, step *progress.Step, old *container.InspectResponse) error {
	if err := op.nameBack(ctx, old); err != nil {
		return err
	}
	return op.startAgain(ctx, step, old.ID)
}

// closeBegun records how the revision of an interrupted program ended: it serves, or was taken back.
func (op *operation) closeBegun(ctx context.Context, all journal) error {
	serving, err := op.inspect(ctx, op.container())
	if err != nil {
		return err
	}
	for i := range all {
		r := &all[i]
		if r.State != stateBegun {
			continue
		}
		state, explanation := stateFailed, "interrupted, and taken back"
		if serving != nil && serving.Config.Labels[labelRevision] == strconv.Itoa(r.Number) {
			state, explanation = stateUnsure, "interrupted after it had begun to serve"
		}
		if err := op.conclude(ctx, r, state, explanation); err != nil {
			return err
		}
	}
	return nil
}
