package k3s

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Upgrade upgrades K3s on the server and then on each agent, one after the other. Before the server changes, its datastore is copied. Each
// node is drained, if there is another one for its pods. A run that was cut off continues where it stopped.
func (t *Target) Upgrade(ctx context.Context, steps *progress.Steps) error {
	return t.onHost(ctx, steps, t.o.SSH.Host, func(server *host) error {
		if err := (&upgrade{Target: t, server: server, host: server, role: "server"}).run(ctx, steps); err != nil {
			return err
		}
		return t.onAgents(ctx, steps, func(agent *host) error {
			return (&upgrade{Target: t, server: server, host: agent, role: "agent"}).run(ctx, steps)
		})
	})
}

// upgrade is that of one host, which may be the server itself.
type upgrade struct {
	*Target

	server, host *host
	role         string
	// node is the name of the host's node.
	node string
	// begun says that an earlier run was cut off while it installed: the node is drained, and its K3s may not run.
	begun bool
}

func (u *upgrade) run(ctx context.Context, steps *progress.Steps) error {
	tasks := []progress.Task{{Name: "preflight", Do: u.preflight}}
	if u.role == "server" {
		tasks = append(tasks, progress.Task{Name: "backup_datastore", Do: u.unlessInstalled(u.backUp)},
			progress.Task{Name: "wait_k3s_ready", Do: u.awaitServer})
	}
	return steps.RunAll(ctx, append(tasks,
		progress.Task{Name: "drain", Do: u.unlessInstalled(u.drain)},
		progress.Task{Name: "install_k3s", Do: u.unlessInstalled(u.install)},
		progress.Task{Name: "wait_node_ready", Do: u.awaitVersion},
		progress.Task{Name: "uncordon", Do: u.uncordon},
	)...)
}

// unlessInstalled skips a step if the host has the version already.
func (u *upgrade) unlessInstalled(do func(context.Context, *progress.Step) error) func(context.Context, *progress.Step) error {
	return func(ctx context.Context, step *progress.Step) error {
		if u.host.installed == u.o.Version {
			step.Skip("K3s %s is installed", u.o.Version)
			return nil
		}
		return do(ctx, step)
	}
}

func (u *upgrade) preflight(ctx context.Context, step *progress.Step) error {
	f, err := u.inspect(ctx, u.host)
	if err != nil {
		return err
	}
	all := f.problems(f.values["k3s"], u.o.Bundle)
	if problem := upgradeProblem(f.values["k3s"], u.o.Version); problem != "" {
		all = append(all, problem)
	}
	if u.o.Bundle == "" && f.values["curl"] == "" {
		all = append(all, noCurl)
	}
	if len(all) > 0 {
		return deploy.Failf(deploy.PreflightFailed, "K3s on %s can't be upgraded:\n  %s", u.host.name, strings.Join(all, "\n  "))
	}
	if u.node, err = nodeOf(ctx, u.host); err != nil {
		return err
	}
	u.begun = u.host.installed == "" && f.values["begun"] == u.o.Version
	step.Summarize("node %q, K3s %s", u.node, f.values["k3s"])
	return nil
}

// upgradeProblem is why K3s can't go from one version to another one: Kubernetes allows no older version, and no minor version to be
// skipped (https://kubernetes.io/releases/version-skew-policy/).
func upgradeProblem(from, to string) string {
	if from == "" {
		return "it has no K3s: run `integrationctl deploy setup k3s` or `deploy node add k3s` first"
	}
	now, err := version.ParseSemantic(from)
	if err != nil {
		return fmt.Sprintf("its K3s has the version %q, which can't be compared: %s; upgrade it by hand", from, err)
	}
	next, err := version.ParseSemantic(to)
	switch {
	case err != nil:
		return fmt.Sprintf("--k3s-version must be a version such as %[2]s, not %[1]q: %[3]s", to, Version, err)
	case next.LessThan(now):
		return fmt.Sprintf("it has K3s %s, and %s is older, which could not read the datastore: choose a newer version", from, to)
	case next.Major() != now.Major() || next.Minor() > now.Minor()+1:
		return fmt.Sprintf("it has K3s %s, and %s skips a minor version: upgrade to 1.%d first", from, to, now.Minor()+1)
	}
	return ""
}

// nodeOf reads the name of a host's node from the certificate of its kubelet.
func nodeOf(ctx context.Context, h *host) (string, error) {
	output, err := h.Output(ctx, kubeletScript)
	if err != nil {
		return "", fmt.Errorf("reading the certificate of the kubelet on %s: %w", h.name, err)
	}
	block, _ := pem.Decode([]byte(output))
	if block == nil {
		return "", fmt.Errorf("%s has no certificate of a kubelet: start K3s there, then repeat the command", h.name)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("reading the certificate of the kubelet on %s: %w", h.name, err)
	}
	node, ok := strings.CutPrefix(leaf.Subject.CommonName, "system:node:")
	if !ok {
		return "", fmt.Errorf("the certificate of the kubelet on %s is for %q, which is not a node", h.name, leaf.Subject.CommonName)
	}
	return node, nil
}

func (u *upgrade) backUp(ctx context.Context, step *progress.Step) error {
	if err := u.host.Script(ctx, backupScript, nil, step.Output, u.o.Version); err != nil {
		return fmt.Errorf("copying the datastore on %s: %w", u.host.name, err)
	}
	step.Summarize("in %s on %s", backupDir, u.host.name)
	return nil
}

func (u *upgrade) awaitServer(ctx context.Context, step *progress.Step) error {
	if u.begun {
		step.Skip("an earlier run has begun to install")
		return nil
	}
	return u.awaitReady(ctx, step, u.server)
}

func (u *upgrade) drain(ctx context.Context, step *progress.Step) error {
	if u.begun {
		step.Skip("an earlier run has drained %q", u.node)
		return nil
	}
	nodes, _, err := u.ClusterNodes(ctx)
	if err != nil {
		return err
	}
	if len(nodes) < 2 {
		step.Skip("%q is the only node: its pods run on while K3s restarts", u.node)
		return nil
	}
	return u.DrainForMaintenance(ctx, step, u.node)
}

func (u *upgrade) install(ctx context.Context, step *progress.Step) error {
	if err := u.host.Script(ctx, beginScript, nil, step.Output, u.o.Version); err != nil {
		return fmt.Errorf("beginning the upgrade: %w", err)
	}
	return u.Target.install(ctx, step, u.host, u.role)
}

func (u *upgrade) awaitVersion(ctx context.Context, step *progress.Step) error {
	last := ""
	err := wait.PollUntilContextTimeout(ctx, readyCheck, u.o.Timeout, true, func(ctx context.Context) (bool, error) {
		output, err := u.server.Output(ctx, nodesScript)
		state, running := nodeIn(output, u.node)
		last = fmt.Sprintf("%s is %s with %s", u.node, state, running)
		step.Progress(0, 0, last)
		step.Summarize("%s", last)
		return running == u.o.Version && (state == "Ready" || strings.HasPrefix(state, "Ready,")), err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return deploy.Failf(deploy.NotRolledBack, "after %s, %s: `journalctl -u %s` on %s says why; then repeat the command, which continues",
			u.o.Timeout, last, unitOf(u.role), u.host.name)
	}
	return err
}

// unitOf is the systemd unit of K3s in a role.
func unitOf(role string) string {
	if role == "agent" {
		return "k3s-agent"
	}
	return "k3s"
}

// nodeIn finds the state and version of a node in the list that kubectl prints.
func nodeIn(list, name string) (state, running string) {
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[0] == name {
			return fields[1], fields[4]
		}
	}
	return "not listed", "no version"
}

func (u *upgrade) uncordon(ctx context.Context, step *progress.Step) error {
	uncordoned, err := u.EndMaintenance(ctx, u.node)
	if err == nil && !uncordoned {
		step.Skip("this program has not cordoned %q", u.node)
	}
	return err
}
