package fly

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// maxSecret bounds a secret: flyctl reads lines of less than 64 KiB, and drops a longer one without a word.
const maxSecret = 60 << 10

// minVersion is the oldest flyctl whose commands are used here: 0.2.
var (
	minVersion    = [2]int{0, 2}
	versionNumber = regexp.MustCompile(`^v?(\d+)\.(\d+)\.`)
)

// Kubeconfig reads a kubeconfig as the value of [KubeconfigSecret].
func Kubeconfig(path string) (string, error) {
	text, err := os.ReadFile(filepath.Clean(path))
	return base64.StdEncoding.EncodeToString(text), err
}

// Setup implements [deploy.Target]: it checks flyctl and the account, creates the app, and stages the secrets for the next Up.
func (t *Target) Setup(ctx context.Context, steps *progress.Steps) error {
	for _, secret := range t.o.Secrets {
		steps.Mask(secret)
	}
	return steps.RunAll(ctx,
		progress.Task{Name: "preflight", Do: t.preflightSetup},
		progress.Task{Name: "create_app", Do: t.createApp},
		progress.Task{Name: "stage_secrets", Do: t.stageSecrets},
	)
}

// preflight checks flyctl and the sign-in.
func (t *Target) preflight(ctx context.Context, step *progress.Step) error {
	var version struct{ Version string }
	if err := t.flyctl.json(ctx, &version, "version", "--json"); err != nil {
		return refused(err)
	}
	if !recent(version.Version) {
		return deploy.Failf(deploy.PreflightFailed, "flyctl %s is too old: %d.%d or later is needed; run `flyctl version upgrade`",
			version.Version, minVersion[0], minVersion[1])
	}
	var account struct{ Email string }
	if err := t.flyctl.json(ctx, &account, "auth", "whoami", "--json"); err != nil {
		return deploy.Failf(deploy.PreflightFailed, "not signed in to Fly: run `flyctl auth login`, or set FLY_API_TOKEN: %w", err)
	}
	step.Summarize("flyctl %s, signed in as %s", version.Version, account.Email)
	return nil
}

// refused makes an error one of the preflight.
func refused(err error) error { return deploy.Failf(deploy.PreflightFailed, "%w", err) }

func recent(version string) bool {
	numbers := versionNumber.FindStringSubmatch(version)
	if numbers == nil {
		return false
	}
	major, errMajor := strconv.Atoi(numbers[1])
	minor, errMinor := strconv.Atoi(numbers[2])
	return errMajor == nil && errMinor == nil && slices.Compare([]int{major, minor}, minVersion[:]) >= 0
}

func (t *Target) preflightSetup(ctx context.Context, step *progress.Step) error {
	if err := t.preflight(ctx, step); err != nil {
		return err
	}
	if err := checkSecrets(t.o.Secrets); err != nil {
		return refused(err)
	}
	organizations := map[string]string{}
	if err := t.flyctl.json(ctx, &organizations, "orgs", "list", "--json"); err != nil {
		return refused(err)
	}
	if _, ok := organizations[t.o.Organization]; !ok {
		return deploy.Failf(deploy.PreflightFailed, "you are not in the organization %q: name one of %s with --org",
			t.o.Organization, strings.Join(slices.Sorted(maps.Keys(organizations)), ", "))
	}
	return nil
}

// checkSecrets refuses what `flyctl secrets import` would change. Errors repeat no value.
func checkSecrets(secrets map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		switch value := secrets[name]; {
		case value == "":
			return fmt.Errorf("the file of secret %s is empty: write the secret into it", name)
		case len(value) > maxSecret:
			return fmt.Errorf("secret %s is longer than %d bytes, which flyctl would cut off: shorten it", name, maxSecret)
		case strings.Contains(value, `"""`) || strings.Contains(value, "\r"):
			return fmt.Errorf(`secret %s has """ or a carriage return, which flyctl would drop: remove them`, name)
		}
	}
	return nil
}

// application is an app in Fly's list.
type application struct {
	Name         string
	Organization struct{ Slug string }
}

// find returns the app, or nil.
func (t *Target) find(ctx context.Context) (*application, error) {
	var all []application
	if err := t.flyctl.json(ctx, &all, "apps", "list", "--json"); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a application) bool { return a.Name == t.o.App })
	if i < 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	return &all[i], nil
}

func (t *Target) createArguments() []string {
	return []string{"apps", "create", t.o.App, "--org", t.o.Organization}
}

func (t *Target) createApp(ctx context.Context, step *progress.Step) error {
	app, err := t.find(ctx)
	switch {
	case err != nil:
		return err
	case app == nil:
		step.Summarize("created app %q in organization %q", t.o.App, t.o.Organization)
		return t.flyctl.stream(ctx, step.Output, t.createArguments()...)
	case app.Organization.Slug != t.o.Organization:
		return deploy.Failf(deploy.PreflightFailed, "app %q is in another organization than %q: give --org %s, or choose another --app",
			t.o.App, t.o.Organization, app.Organization.Slug)
	}
	step.Skip("app %q exists", t.o.App)
	return nil
}

func (t *Target) importArguments() []string { return t.app("secrets", "import", "--stage") }

// stageSecrets passes the secrets by standard input. They reach the Machines with the next deployment.
func (t *Target) stageSecrets(ctx context.Context, step *progress.Step) error {
	if len(t.o.Secrets) > 0 {
		step.Summarize("staged %s; the next up deploys them", strings.Join(slices.Sorted(maps.Keys(t.o.Secrets)), ", "))
		return t.flyctl.input(ctx, secretsText(t.o.Secrets), t.importArguments()...)
	}
	if err := t.requireSecrets(ctx); err != nil {
		return err
	}
	step.Skip("app %q has its secrets", t.o.App)
	return nil
}

// secretsText is the input of `flyctl secrets import`.
func secretsText(secrets map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if value := secrets[name]; strings.Contains(value, "\n") {
			fmt.Fprintf(&text, "%s=\"\"\"%s\"\"\"\n", name, value)
		} else {
			fmt.Fprintf(&text, "%s=%s\n", name, value)
		}
	}
	return text.String()
}

// requireSecrets fails if the app lacks a secret without which the service does not start.
func (t *Target) requireSecrets(ctx context.Context) error {
	var there []struct{ Name string }
	if err := t.flyctl.json(ctx, &there, t.app("secrets", "list", "--json")...); err != nil {
		return err
	}
	for _, needed := range []struct{ name, flag string }{
		{WebhookSecret, "webhook-secret-file"}, {KubeconfigSecret, "service-kubeconfig"},
	} {
		if !slices.ContainsFunc(there, func(s struct{ Name string }) bool { return s.Name == needed.name }) {
			return deploy.Failf(deploy.PreflightFailed, "app %q has no secret %s: run `%s --%s FILE` first",
				t.o.App, needed.name, t.command("setup"), needed.flag)
		}
	}
	return nil
}

// preflightUp checks what Up needs.
func (t *Target) preflightUp(ctx context.Context, step *progress.Step) error {
	if t.o.Image == "" {
		return refused(errors.New("--image is required: the image of the service"))
	}
	if err := t.preflight(ctx, step); err != nil {
		return err
	}
	app, err := t.find(ctx)
	if err != nil {
		return refused(err)
	}
	if app == nil {
		return deploy.Failf(deploy.PreflightFailed, "there is no app %q: run `%s` first", t.o.App, t.command("setup"))
	}
	return t.requireSecrets(ctx)
}

// writeSecretsPlan names the secrets that Setup would stage.
func (t *Target) writeSecretsPlan(out io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(t.o.Secrets)) {
		if _, err := fmt.Fprintf(out, "# %s=***\n", name); err != nil {
			return err
		}
	}
	return nil
}
