package k3s

import (
	"context"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Plan implements [deploy.Planner]. For Setup it writes the scripts and files that the host would get.
func (t *Target) Plan(ctx context.Context, out io.Writer, what deploy.Action, argument string) error {
	if what == deploy.ActionSetup {
		return t.planSetup(out)
	}
	if err := t.Ready(); err != nil {
		return err
	}
	if what == deploy.ActionUpgrade {
		return t.planUpgrade(out)
	}
	if err := t.Target.Plan(ctx, out, what, argument); err != nil || what != deploy.ActionPurge {
		return err
	}
	return t.planUninstall(out)
}

// planUninstall writes what removes K3s itself.
func (t *Target) planUninstall(out io.Writer) error {
	_, err := fmt.Fprintf(out, "---\n# uninstall_k3s, as root on %s%s# context %q of %s is removed\n", t.o.SSH.Host, uninstallScript,
		t.o.Context, t.o.Kubeconfig)
	return err
}

// registriesSource says where the credentials come from, without them.
func (t *Target) registriesSource() string {
	if t.o.Registries == "" {
		return ", without credentials"
	}
	return ", with the mirrors and credentials of " + t.o.Registries
}

func (t *Target) planUpgrade(out io.Writer) error {
	var parts []string
	for i, name := range append([]string{t.o.SSH.Host}, t.o.Agents...) {
		role := "agent"
		parts = append(parts, "# preflight, as root on "+name+inspectScript+kubeletScript+"\n")
		if i == 0 {
			role = "server"
			parts = append(parts, fmt.Sprintf("# backup_datastore: sh -c … sh %s%s", t.o.Version, backupScript))
		}
		parts = append(parts,
			"# drain: kubectl drain NODE --ignore-daemonsets --delete-emptydir-data\n",
			fmt.Sprintf("# install_k3s: sh -c … sh %s %s %s%s", installPath, t.o.Version, role, t.installScript()),
			"# wait_node_ready\n"+nodesScript+"\n",
			"# uncordon: kubectl uncordon NODE\n",
		)
	}
	_, err := io.WriteString(out, strings.Join(parts, "\n"))
	return err
}

func (t *Target) planSetup(out io.Writer) error {
	config, err := yaml.Marshal(t.serverConfig())
	if err != nil {
		return err
	}
	parts := []string{
		"# preflight, as root on " + t.o.SSH.Host + inspectScript,
		"# configure_registries: " + registriesPath + t.registriesSource() + "\n",
		"# install_k3s: " + configPath + "\n" + string(config),
		fmt.Sprintf("# install_k3s: sh -c … sh %s %s server%s", installPath, t.o.Version, t.installScript()),
		"# wait_k3s_ready\n" + nodesScript + "\n",
	}
	if t.o.Email != "" {
		traefik, err := yaml.Marshal(t.traefik())
		if err != nil {
			return err
		}
		parts = append(parts, "# configure_ingress: "+traefikPath+"\n"+string(traefik))
	}
	parts = append(parts, fmt.Sprintf("# copy_kubeconfig: context %q in %s, for https://%s\n", t.o.Context, t.o.Kubeconfig, t.o.Address))
	_, err = io.WriteString(out, strings.Join(parts, "\n"))
	return err
}
