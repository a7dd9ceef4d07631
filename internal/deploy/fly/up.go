package fly

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// deployment is one image with one fly.toml.
type deployment struct{ image, file string }

// before is what ran before a change.
type before struct {
	version  int        // the newest release, or 0
	worked   *release   // the newest one that worked, or nil
	restored deployment // its image, and the configuration that the app had
}

// Up implements [deploy.Target]. If Machines do not get healthy in time, it deploys the image of the newest release that worked, with the
// configuration that the app had.
func (t *Target) Up(ctx context.Context, steps *progress.Steps) error {
	config, err := t.o.config()
	if err != nil {
		return err
	}
	if err := steps.Run(ctx, "preflight", t.preflightUp); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fly")
	if err != nil {
		return fmt.Errorf("making a directory for fly.toml: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "fly.toml")
	if err := os.WriteFile(file, []byte(config.toml()), 0o600); err != nil {
		return fmt.Errorf("writing fly.toml: %w", err)
	}
	was, err := t.before(ctx, dir)
	if err != nil {
		return err
	}
	count, err := t.replicas(ctx)
	if err != nil {
		return err
	}
	return t.change(ctx, steps, was, deployment{t.o.Image, file}, count)
}

// before saves the configuration of the app, and finds the release to return to.
func (t *Target) before(ctx context.Context, dir string) (*before, error) {
	releases, err := t.releases(ctx)
	if err != nil {
		return nil, err
	}
	was := &before{version: newest(releases), worked: newestWorked(releases, 0)}
	if was.worked == nil {
		return was, nil
	}
	was.restored = deployment{was.worked.ImageRef, filepath.Join(dir, "before.toml")}
	return was, t.flyctl.stream(ctx, func(string) {}, t.saveArguments(was.restored.file)...)
}

func (t *Target) saveArguments(file string) []string {
	return t.app("config", "save", "--config", file, "--yes")
}

// replicas is the number of Machines to set, or 0 to leave it as it is.
func (t *Target) replicas(ctx context.Context) (int, error) {
	if t.o.Replicas >= 0 {
		return t.o.Replicas, nil
	}
	machines, err := t.machines(ctx)
	if err != nil || len(machines) > 0 {
		return 0, err
	}
	return max(2, len(t.o.Regions)), nil
}

func (t *Target) deployArguments(d deployment) []string {
	arguments := t.app("deploy", "--config", d.file, "--image", d.image, "--ha=false", "--yes")
	if !t.o.Wait {
		return append(arguments, "--detach")
	}
	return append(arguments, "--wait-timeout", t.o.Timeout.String())
}

// change deploys, sets the number of Machines, waits, and rolls back on failure.
func (t *Target) change(ctx context.Context, steps *progress.Steps, was *before, d deployment, count int) error {
	err := t.apply(ctx, steps, d, count)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("the deployment may continue at Fly: `%s` shows it: %w", t.command("status"), err)
	}
	releases, errReleases := t.releases(ctx)
	if errReleases != nil {
		return t.unknown(fmt.Errorf("%w; %w", err, errReleases))
	}
	if newest(releases) == was.version {
		return err // nothing was changed
	}
	return t.restore(ctx, steps, was, err)
}

// apply deploys without a way back.
func (t *Target) apply(ctx context.Context, steps *progress.Steps, d deployment, count int) error {
	if err := t.step(ctx, steps, "deploy", t.deployArguments(d)...); err != nil {
		return err
	}
	if count > 0 {
		if err := t.step(ctx, steps, "scale", t.scaleArguments(count)...); err != nil {
			return err
		}
	}
	if len(t.o.Domains) > 0 {
		if err := steps.Run(ctx, "add_certificates", t.addCertificates); err != nil {
			return err
		}
	}
	return t.awaitHealthy(ctx, steps)
}

// addCertificates asks Fly for certificates that the app lacks. The output says which DNS records they need.
func (t *Target) addCertificates(ctx context.Context, step *progress.Step) error {
	var there []struct{ Hostname string }
	if err := t.flyctl.json(ctx, &there, t.app("certs", "list", "--json")...); err != nil {
		return err
	}
	missing := slices.Clone(t.o.Domains)
	for _, one := range there {
		missing = slices.DeleteFunc(missing, func(domain string) bool { return domain == one.Hostname })
	}
	if len(missing) == 0 {
		step.Skip("the app has certificates for all domains")
		return nil
	}
	for _, domain := range missing {
		if err := t.flyctl.stream(ctx, step.Output, t.certificateArguments(domain)...); err != nil {
			return err
		}
	}
	step.Summarize("%s", strings.Join(missing, ", "))
	return nil
}

func (t *Target) certificateArguments(domain string) []string { return t.app("certs", "add", domain) }

// restore returns to what worked. Without such a release it removes the Machines again. It always returns an error.
func (t *Target) restore(ctx context.Context, steps *progress.Steps, was *before, cause error) error {
	what := "its Machines were removed, since no earlier release worked"
	arguments := t.removeArguments()
	if was.worked != nil {
		what = fmt.Sprintf("it was rolled back to the image of release %d", was.worked.Version)
		arguments = t.deployArguments(was.restored)
	}
	err := t.step(ctx, steps, "roll_back", arguments...)
	if err == nil && was.worked != nil {
		err = t.awaitHealthy(ctx, steps)
	}
	if err != nil {
		return deploy.Failf(deploy.NotRolledBack, "the deployment failed: %w; the rollback failed, too, `%s` repeats it: %w", cause,
			t.command("rollback"), err)
	}
	return deploy.Failf(deploy.RolledBack, "the deployment failed, and %s: %w", what, cause)
}
