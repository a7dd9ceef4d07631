package fly

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// release is one of Fly's, as flyctl prints it.
type release struct {
	Version     int
	Status      string
	Description string
	ImageRef    string
	CreatedAt   time.Time
	User        struct{ Email string }
}

// The states of a release in which Fly does no more with it.
const (
	statusComplete = "complete"
	statusFailed   = "failed"
)

func (r *release) describe() string {
	text := cmp.Or(r.Description, "Deployed")
	if r.User.Email != "" {
		text += " by " + r.User.Email
	}
	return text
}

// releases are those of the app, the newest one first.
func (t *Target) releases(ctx context.Context) ([]release, error) {
	all := []release{}
	if err := t.flyctl.json(ctx, &all, t.app("releases", "--image", "--json")...); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b release) int { return cmp.Compare(b.Version, a.Version) })
	return all, nil
}

// newest is the number of the newest release, or 0.
func newest(releases []release) int {
	if len(releases) == 0 {
		return 0
	}
	return releases[0].Version
}

// newestWorked is the newest release before a version that worked, or nil. Version 0 is after all.
func newestWorked(releases []release, version int) *release {
	for i := range releases {
		r := &releases[i]
		if (version == 0 || r.Version < version) && r.Status == statusComplete && r.ImageRef != "" {
			return r
		}
	}
	return nil
}

// History implements [deploy.Historian]. Releases are Fly's.
func (t *Target) History(ctx context.Context) ([]deploy.Revision, error) {
	releases, err := t.releases(ctx)
	if err != nil {
		return nil, err
	}
	revisions := []deploy.Revision{}
	for i := range slices.Backward(releases) {
		r := &releases[i]
		worked := map[string]string{statusComplete: "yes", statusFailed: "no"}[r.Status]
		revisions = append(revisions, deploy.Revision{
			Number: r.Version, Updated: r.CreatedAt, State: r.Status, Worked: cmp.Or(worked, "unknown"),
			Version: versionOf(r.ImageRef), Image: r.ImageRef, Description: r.describe(),
		})
	}
	return revisions, nil
}

// Rollback implements [deploy.Historian]. It deploys the image of the release, with the configuration that the app has: Fly keeps no
// other one.
func (t *Target) Rollback(ctx context.Context, steps *progress.Steps, revision int) error {
	dir, err := os.MkdirTemp("", "fly")
	if err != nil {
		return fmt.Errorf("making a directory for fly.toml: %w", err)
	}
	defer os.RemoveAll(dir)
	to, err := t.rollbackTarget(ctx, revision)
	if err != nil {
		return err
	}
	was, err := t.before(ctx, dir)
	if err != nil {
		return err
	}
	if was.worked == nil { // then there is no configuration to go on with
		return deploy.Failf(deploy.PreflightFailed, "app %q has no release that worked: run `%s`", t.o.App, t.command("up"))
	}
	return t.change(ctx, steps, was, deployment{to.ImageRef, was.restored.file}, 0)
}

// rollbackTarget is the release of that number, or the newest one before the current that worked.
func (t *Target) rollbackTarget(ctx context.Context, revision int) (*release, error) {
	releases, err := t.releases(ctx)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		if to := newestWorked(releases, newest(releases)); to != nil {
			return to, nil
		}
		return nil, deploy.Failf(deploy.PreflightFailed, "no release of app %q before %d worked: deploy an image with `%s`", t.o.App,
			newest(releases), t.command("up"))
	}
	for i := range releases {
		if releases[i].Version == revision && releases[i].ImageRef != "" {
			return &releases[i], nil
		}
	}
	return nil, deploy.Failf(deploy.PreflightFailed, "app %q has no release %d: `%s` lists them", t.o.App, revision, t.command("history"))
}
