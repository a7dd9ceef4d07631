package k3s

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

const tokenPath = stateDir + "/agent-token"

// AddNode joins a host to the cluster as an agent, and imports the image to it, if there is one. The token of the server goes from one
// host to the other by standard input, and is shown nowhere.
func (t *Target) AddNode(ctx context.Context, steps *progress.Steps, name string) error {
	return t.onHost(ctx, steps, t.o.SSH.Host, func(server *host) error {
		return t.onHost(ctx, steps, name, func(agent *host) error { return t.join(ctx, steps, server, agent) })
	})
}

// join makes a host an agent of the server's cluster.
func (t *Target) join(ctx context.Context, steps *progress.Steps, server, agent *host) error {
	before, err := readyNodes(ctx, server)
	if err != nil {
		return err
	}
	tasks := []progress.Task{
		agent.task("preflight", t.preflight),
		agent.task("configure_registries", t.configureRegistries),
		{Name: "install_k3s", Do: func(ctx context.Context, step *progress.Step) error {
			return t.installAgent(ctx, steps, step, server, agent)
		}},
		{Name: "wait_node_ready", Do: func(ctx context.Context, step *progress.Step) error {
			return t.awaitNode(ctx, step, server, before)
		}},
	}
	if t.o.Image != "" {
		tasks = append(tasks, agent.task("import_image", t.importImage))
	}
	return steps.RunAll(ctx, tasks...)
}

func (t *Target) installAgent(ctx context.Context, steps *progress.Steps, step *progress.Step, server, agent *host) error {
	if agent.installed == t.o.Version {
		step.Skip("K3s %s is installed", agent.installed)
		return nil
	}
	token, err := joinToken(ctx, steps, server)
	if err != nil {
		return err
	}
	if err := agent.Script(ctx, beginScript, nil, step.Output, t.o.Version); err != nil {
		return fmt.Errorf("beginning the installation: %w", err)
	}
	if err := writeToken(ctx, step, agent, token); err != nil {
		return err
	}
	config := map[string]any{"server": "https://" + t.o.Address, "token-file": tokenPath}
	if err := writeConfig(ctx, step, agent, configPath, config); err != nil {
		return err
	}
	return t.install(ctx, step, agent, "agent")
}

// readyNodes are the names of the ready nodes, as the server lists them.
func readyNodes(ctx context.Context, server *host) (names []string, err error) {
	output, err := server.Output(ctx, nodesScript)
	if err != nil {
		return nil, fmt.Errorf("listing the nodes on %s: %w", server.name, err)
	}
	for line := range strings.Lines(output) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == "Ready" {
			names = append(names, fields[0])
		}
	}
	return names, nil
}

// awaitNode waits for a ready node that was none before. A host that had joined already counts.
func (t *Target) awaitNode(ctx context.Context, step *progress.Step, server *host, before []string) error {
	err := wait.PollUntilContextTimeout(ctx, readyCheck, t.o.Timeout, true, func(ctx context.Context) (bool, error) {
		now, err := readyNodes(ctx, server)
		added := slices.DeleteFunc(slices.Clone(now), func(name string) bool { return slices.Contains(before, name) })
		step.Progress(0, 0, fmt.Sprintf("%d nodes ready", len(now)))
		step.Summarize("%d nodes ready: %s", len(now), strings.Join(now, ", "))
		return len(added) > 0 || len(before) > 1, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return fmt.Errorf("the new node is not ready after %s: `journalctl -u k3s-agent` on its host says why", t.o.Timeout)
	}
	return err
}

// Node is a node of the cluster.
type Node struct {
	Name    string     `json:"name"`
	State   string     `json:"state"`
	Roles   string     `json:"roles"`
	Version string     `json:"version"`
	Address string     `json:"address,omitempty"`
	Pods    int        `json:"pods"`
	Created *time.Time `json:"created,omitempty"`
}

// Nodes lists the nodes with the number of the service's pods on each.
func (t *Target) Nodes(ctx context.Context) ([]Node, error) {
	nodes, pods, err := t.ClusterNodes(ctx)
	if err != nil {
		return nil, err
	}
	all := []Node{}
	for i := range nodes {
		node := &nodes[i]
		one := Node{
			Name: node.Name, State: nodeState(node), Roles: roles(node), Version: node.Status.NodeInfo.KubeletVersion,
			Pods: pods[node.Name], Created: &node.CreationTimestamp.Time,
		}
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP && one.Address == "" && net.ParseIP(address.Address) != nil {
				one.Address = address.Address
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func nodeState(node *corev1.Node) string {
	state := "NotReady"
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			state = "Ready"
		}
	}
	if node.Spec.Unschedulable {
		state += ",SchedulingDisabled"
	}
	return state
}

const roleLabel = "node-role.kubernetes.io/"

func roles(node *corev1.Node) string {
	var all []string
	for label := range node.Labels {
		if role, ok := strings.CutPrefix(label, roleLabel); ok {
			all = append(all, role)
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		return "agent"
	}
	return strings.Join(all, ",")
}

// RemoveNode drains a node, takes it out of the cluster, and uninstalls K3s on its host, if that is named.
func (t *Target) RemoveNode(ctx context.Context, steps *progress.Steps, name string) error {
	err := steps.RunAll(ctx,
		progress.Task{Name: "drain", Do: func(ctx context.Context, step *progress.Step) error {
			if err := t.NameLocalVolumes(ctx, step, name); err != nil {
				return err
			}
			return t.DrainNode(ctx, step, name)
		}},
		progress.Task{Name: "delete_node", Do: func(ctx context.Context, _ *progress.Step) error { return t.DeleteNode(ctx, name) }},
	)
	if err != nil || len(t.o.Agents) != 1 {
		return err
	}
	return t.onHost(ctx, steps, t.o.Agents[0], func(agent *host) error {
		return steps.RunAll(ctx, agent.task("uninstall_k3s", uninstall))
	})
}

func uninstall(ctx context.Context, step *progress.Step, agent *host) error {
	if err := agent.Script(ctx, uninstallScript, nil, step.Output); err != nil {
		return deploy.Failf(deploy.Unknown, "uninstalling K3s on %s: %w", agent.name, err)
	}
	return nil
}
