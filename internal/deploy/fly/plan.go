package fly

import (
	"context"
	"fmt"
	"io"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Plan implements [deploy.Planner]: it writes the command lines of an action in their order, and the fly.toml that they use.
func (t *Target) Plan(ctx context.Context, out io.Writer, what deploy.Action, argument string) error {
	lines, err := t.lines(ctx, what, argument)
	if err != nil {
		return err
	}
	for _, arguments := range lines {
		if _, err := fmt.Fprintln(out, "flyctl", strings.Join(arguments, " ")); err != nil {
			return err
		}
	}
	if what == deploy.ActionSetup {
		return t.writeSecretsPlan(out)
	}
	if what != deploy.ActionUp {
		return nil
	}
	if _, err := fmt.Fprintln(out, "\n# fly.toml"); err != nil {
		return err
	}
	return t.Render(ctx, out)
}

// lines are the command lines that change something.
func (t *Target) lines(ctx context.Context, what deploy.Action, argument string) ([][]string, error) {
	switch what {
	case deploy.ActionSetup:
		return [][]string{t.createArguments(), t.importArguments()}, nil
	case deploy.ActionUp:
		return t.upLines(), nil
	case deploy.ActionRestart:
		return [][]string{{"apps", "restart", t.o.App}}, nil
	case deploy.ActionStop, deploy.ActionStart:
		return [][]string{t.app("machine", string(what), "MACHINE…")}, nil
	case deploy.ActionScale:
		return [][]string{append(t.app("scale", "count", argument), "--yes")}, nil
	case deploy.ActionRollback:
		return t.rollbackLines(ctx, argument)
	case deploy.ActionDown:
		return [][]string{t.removeArguments()}, nil
	case deploy.ActionPurge:
		return [][]string{t.destroyArguments()}, nil
	default:
		return nil, deploy.Failf(deploy.Unsupported, "the target fly does not support --dry-run of %s", what)
	}
}

func (t *Target) upLines() [][]string {
	lines := [][]string{t.deployArguments(deployment{t.o.Image, "fly.toml"})}
	if t.o.Replicas >= 0 {
		lines = append(lines, t.scaleArguments(t.o.Replicas))
	}
	for _, domain := range t.o.Domains {
		lines = append(lines, t.certificateArguments(domain))
	}
	return lines
}

// rollbackLines names the image, and fails if there is none.
func (t *Target) rollbackLines(ctx context.Context, argument string) ([][]string, error) {
	revision := 0
	if _, err := fmt.Sscan(argument, &revision); err != nil {
		return nil, fmt.Errorf("reading the revision %q: %w", argument, err)
	}
	to, err := t.rollbackTarget(ctx, revision)
	if err != nil {
		return nil, err
	}
	return [][]string{t.saveArguments("fly.toml"), t.deployArguments(deployment{to.ImageRef, "fly.toml"})}, nil
}

// Render implements [deploy.Renderer]: it writes fly.toml.
func (t *Target) Render(_ context.Context, out io.Writer) error {
	config, err := t.o.config()
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, config.toml())
	return err
}
