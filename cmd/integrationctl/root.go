package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

const (
	programName = "integrationctl"
	pluginName  = "kubectl workspace"
)

// invokedAs returns the name that people call the program by, and its arguments. kubectl starts the plugin "kubectl workspace" as
// kubectl-workspace, and asks kubectl_complete-workspace for completions.
func invokedAs(argv []string) (name string, args []string) {
	args = argv[1:]
	switch strings.TrimSuffix(filepath.Base(argv[0]), ".exe") {
	case "kubectl-workspace":
		return pluginName, args
	case "kubectl_complete-workspace":
		return pluginName, append([]string{cobra.ShellCompRequestCmd}, args...)
	}
	return programName, args
}

// newCommand makes the whole program under a name.
func newCommand(name string, streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   name[strings.LastIndex(name, " ")+1:],
		Short: "Operate workspace-flyte-integration",
		Long: `Operate workspace-flyte-integration: see what is wrong with a workspace and what to do, change its state, check the
installation, send webhooks, and deploy the service.

` + exitCodesHelp,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	addCommands(root, streams)
	finish(root, name)
	return root
}

func addCommands(root *cobra.Command, streams genericiooptions.IOStreams) {
	root.AddGroup(
		&cobra.Group{ID: "read", Title: "See workspaces:"},
		&cobra.Group{ID: "state", Title: "Change the state of workspaces:"},
		&cobra.Group{ID: "service", Title: "Install, check and reach the service:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("read", newGetCommand(streams), newDescribeCommand(streams), newEventsCommand(streams), newTreeCommand(streams),
		newWaitCommand(streams), newTiersCommand(streams), newConvertCommand(streams))
	add("state", newSuspendCommand(streams), newResumeCommand(streams), newDeleteCommand(streams), newRestoreCommand(streams))
	add("service", newDeployCommand(streams))
	add("service", newSendCommand(streams), newSyncCommand(streams), newSecretCommand(), newWorkspaceServiceCommand(),
		newDoctorCommand(streams), newDashboardCommand(streams))
	root.AddCommand(newOptionsCommand(streams))
}

// finish makes each command check its arguments, explain bad flags, and show the program's name in its examples.
func finish(c *cobra.Command, name string) {
	c.Long = strings.ReplaceAll(c.Long, programName+" ", name+" ")
	c.Example = strings.ReplaceAll(c.Example, programName+" ", name+" ")
	if c.HasSubCommands() {
		c.Args = refuseUnknownCommand
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error { return asUsage(c, check(c, args)) }
	}
	c.SetFlagErrorFunc(explainFlag)
	for _, sub := range c.Commands() {
		finish(sub, name)
	}
}
