package k3s

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// RotateToken replaces the token by which nodes join. K3s itself makes the new one; it goes to each agent by standard input, and is shown
// nowhere. A copy of the datastore from before can be read only with the token of its time, which is in the copy.
func (t *Target) RotateToken(ctx context.Context, steps *progress.Steps) error {
	return t.onHost(ctx, steps, t.o.SSH.Host, func(server *host) error {
		err := steps.RunAll(ctx, server.task("rotate_token", rotateToken), server.task("wait_k3s_ready", t.awaitReady))
		if err != nil {
			return err
		}
		token, err := joinToken(ctx, steps, server)
		if err != nil {
			return err
		}
		return t.onAgents(ctx, steps, func(agent *host) error {
			return steps.Run(ctx, "give_token", func(ctx context.Context, step *progress.Step) error {
				if err := writeToken(ctx, step, agent, token); err != nil {
					return err
				}
				step.Summarize("%s has the new token", agent.name)
				return nil
			})
		})
	})
}

func rotateToken(ctx context.Context, step *progress.Step, server *host) error {
	if err := server.Script(ctx, rotateKeyScript, nil, step.Output); err != nil {
		return fmt.Errorf("rotating the token on %s: %w", server.name, err)
	}
	return nil
}

// joinToken reads the token of the server, and hides it from then on.
func joinToken(ctx context.Context, steps *progress.Steps, server *host) (string, error) {
	token, err := server.Output(ctx, joinKeyScript)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the server's token on %s: %w", server.name, err)
	case strings.TrimSpace(token) == "":
		return "", fmt.Errorf("%s has no token of a K3s server: name the server with --host", server.name)
	}
	steps.Mask(token)
	return token, nil
}

// writeToken gives an agent the token of the server.
func writeToken(ctx context.Context, step *progress.Step, agent *host, token string) error {
	if err := agent.Script(ctx, tokenScript, strings.NewReader(token), step.Output, tokenPath, strconv.Itoa(len(token))); err != nil {
		return fmt.Errorf("writing the token: %w", err)
	}
	return nil
}
