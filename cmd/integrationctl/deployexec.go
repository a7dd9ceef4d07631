package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployExec(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "exec [TARGET] [POD] -- COMMAND [ARG...]",
		Short: "Run a command in a replica",
		Long: `Run a command in the service's container of a pod, by default of the first ready one. The exit code is the command's own. If
it is not 0, standard error says so. The image has no shell.`,
		Example: `  integrationctl deploy exec k8s -- /ko-app/integration --version
  integrationctl deploy exec k8s workspace-flyte-integration-6c8f9-x2x7k -- /ko-app/integration --version`,
		Args: cobra.ArbitraryArgs,
	}
	d := newDeployment(streams, c)
	o := deploy.ExecOptions{Streams: streams}
	c.Flags().BoolVarP(&o.Stdin, "stdin", "i", false, "pass standard input to the command")
	c.Flags().BoolVarP(&o.TTY, "tty", "t", false, "give the command a terminal")
	c.RunE = func(c *cobra.Command, args []string) error { return d.exec(c, args, o) }
	return c
}

// exec runs the arguments after the dash in a replica.
func (d *deployment) exec(c *cobra.Command, args []string, o deploy.ExecOptions) error {
	dash := c.ArgsLenAtDash()
	if dash < 0 || dash == len(args) || dash > 2 {
		return usagef("name the command after --: %s", c.UseLine())
	}
	o.Command = args[dash:]
	return withTarget(d, func(c *cobra.Command, executor deploy.Executor, rest []string) error {
		o.Instance = cmp.Or(rest...)
		return ownExitCode(asDeployError(c.Context(), executor.Exec(c.Context(), o)))
	})(c, args[:dash])
}

// ownExitCode passes the exit code of a command on.
func ownExitCode(err error) error {
	var exited interface{ ExitStatus() int }
	if errors.As(err, &exited) {
		return &codedError{exited.ExitStatus(), fmt.Sprintf("the command ended with exit code %d", exited.ExitStatus())}
	}
	return err
}
