package docker

import (
	"context"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// The labels of the lock, and the file by which its holder shows that it lives.
const (
	labelHolder = labels + "holder"
	labelWhy    = labels + "why"
	labelSince  = labels + "since"

	heartbeat = "heartbeat"
)

// lock takes the lock and renews it until unlock is called. The context ends when the lock is lost. The lock is a container that is never
// started: the engine creates one of a name only once.
func (t *Target) lock(ctx context.Context, steps *progress.Steps, why string) (locked context.Context, unlock func(), err error) {
	id := ""
	err = steps.Run(ctx, "lock", func(ctx context.Context, step *progress.Step) (err error) {
		id, err = t.acquire(ctx, step, why)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	beat := func(ctx context.Context) error {
		now := time.Now().UTC().Format(time.RFC3339Nano)
		return t.copyTo(ctx, id, "/", file{name: heartbeat, content: []byte(now), mode: 0o400})
	}
	locked, unlock = t.o.Lock.Hold(ctx, beat, cerrdefs.IsNotFound, func() {
		_ = t.remove(ctx, id) // otherwise the next operator waits until it has expired
	})
	return locked, unlock, nil
}

// acquire creates the lock, or takes it over once its holder no longer renews it.
func (t *Target) acquire(ctx context.Context, step *progress.Step, why string) (id string, err error) {
	w := &lockWait{target: t, step: step, seen: &holder{}}
	err = wait.PollUntilContextTimeout(ctx, t.o.Lock.Check, 2*t.o.Lock.Duration, true, func(ctx context.Context) (bool, error) {
		id, err = t.createFilesContainer(ctx, t.lockName(), map[string]string{
			labelHolder: deploy.Operator(), labelWhy: why, labelSince: time.Now().UTC().Format(time.RFC3339),
		})
		if cerrdefs.IsConflict(err) {
			return false, w.checkHolder(ctx)
		}
		return err == nil, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return "", deploy.Failf(deploy.PreflightFailed, "%s: wait until that is done", w.seen.text)
	}
	return id, err
}

// lockWait is what is known of a lock that is waited for.
type lockWait struct {
	target *Target
	step   *progress.Step
	seen   *holder // the present one, as it was when it was first seen
}

// checkHolder fails if the holder of the lock has renewed it, and removes a lock that its holder no longer renews.
func (w *lockWait) checkHolder(ctx context.Context) error {
	now, err := w.target.holder(ctx)
	switch {
	case err != nil || now == nil: // it is free again
		return err
	case now.id != w.seen.id || w.seen.id == "":
		now.changed, w.seen = time.Now(), now
	case now.beat != w.seen.beat:
		return deploy.Failf(deploy.PreflightFailed, "%s: wait until that is done", now.text)
	case time.Since(w.seen.changed) >= w.target.o.Lock.Duration:
		w.step.Summarize("taken over from %s, which no longer renews it", w.seen.by)
		return w.target.remove(ctx, w.seen.id)
	}
	w.step.Progress(0, 0, w.seen.text+": finding out whether that program still runs")
	return nil
}

// holder is who holds the lock.
type holder struct {
	id, by, text, beat string
	changed            time.Time
}

// holder returns who holds the lock, or nil.
func (t *Target) holder(ctx context.Context) (*holder, error) {
	c, err := t.inspect(ctx, t.lockName())
	if c == nil || err != nil {
		return nil, err
	}
	files, err := t.readFiles(ctx, c.ID, "/"+heartbeat)
	if err != nil {
		return nil, err
	}
	by := c.Config.Labels[labelHolder]
	text := fmt.Sprintf("the lock of %q is held by %s since %s", t.o.Project, by, c.Config.Labels[labelSince])
	if why := c.Config.Labels[labelWhy]; why != "" {
		text += ": " + why
	}
	return &holder{id: c.ID, by: by, text: text, beat: string(files[heartbeat])}, nil
}

// lockedBy is who holds the lock, or "".
func (t *Target) lockedBy(ctx context.Context) string {
	c, err := t.inspect(ctx, t.lockName())
	if err != nil || c == nil {
		return ""
	}
	return c.Config.Labels[labelHolder]
}
