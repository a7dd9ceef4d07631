// Command integration is the service: it receives signed webhooks, stores the desired state as Workspaces, and
// makes the cluster and Flyte match it. Environment variables alone configure it; docs/configuration.md lists them.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"platform.company.com/workspace-flyte-integration/internal/networkprobe"
)

// Exit codes: 1 for a fault while running, 2 for a configuration that can't be right.
const (
	exitFailed        = 1
	exitMisconfigured = 2
)

const (
	// gcPercent replaces Go's default of 100, unless GOGC is set.
	gcPercent = 60
	// heapLimit is the share of the container's memory above which garbage is collected more often, unless GOMEMLIMIT is set.
	// The rest is for what the Go runtime doesn't count.
	heapLimit = 0.9
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(runSubcommand(os.Args[1:]))
	}
	cfg, problems := loadConfig(os.Environ())
	if len(problems) > 0 {
		for _, problem := range problems {
			fmt.Fprintln(os.Stderr, problem)
		}
		os.Exit(exitMisconfigured)
	}
	logger, err := newLogger(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(exitFailed)
	}
	log, slogger := useLogger(logger)
	tuneGC(log)
	if err := run(ctrl.SetupSignalHandler(), cfg, log, slogger); err != nil {
		os.Exit(exitCode(log, err))
	}
}

// tuneGC sets when the Go runtime collects garbage, and its memory limit. There is no limit if the container has none.
func tuneGC(log logr.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	limit, err := memlimit.Set(memlimit.WithRatio(heapLimit), memlimit.WithProvider(memlimit.FromCgroup))
	log.V(1).Info("set the memory limit of the Go runtime", "bytes", limit, "unlimited", err)
}

// exitCode logs why the service stopped by itself, and returns the exit code.
func exitCode(log logr.Logger, err error) (code int) {
	if wrong, ok := errors.AsType[misconfiguration](err); ok {
		fmt.Fprintln(os.Stderr, wrong)
		return exitMisconfigured
	}
	log.Error(err, "stopping")
	return exitFailed
}

// runSubcommand runs --version, --upgrade-crds for the chart's Job, --test for `helm test`, --probe for the health check of container
// engines, and --network-probe, the pod that the network probe dials.
func runSubcommand(args []string) (code int) {
	switch {
	case slices.Equal(args, []string{"--version"}):
		fmt.Println(versionLine())
		return 0
	case slices.Equal(args, []string{"--upgrade-crds"}):
		return codeOf(upgradeCRDs(ctrl.SetupSignalHandler(), os.Getenv("KUBECONFIG"), os.Stdout))
	case len(args) == 2 && args[0] == "--network-probe":
		return codeOf(networkprobe.Serve(ctrl.SetupSignalHandler(), args[1]))
	case len(args) >= 2 && args[0] == "--probe":
		return codeOf(probe(ctrl.SetupSignalHandler(), args[1:]))
	case len(args) == 2 && args[0] == "--test":
		return codeOf(selfTest(ctrl.SetupSignalHandler(), args[1], os.Getenv("WORKSPACE_WEBHOOK_SECRET_FILE"), os.Stdout))
	}
	fmt.Fprintln(os.Stderr, "integration takes only --version, --upgrade-crds, --test URL, --probe URL... or --network-probe ADDRESS: "+
		"environment variables configure it")
	return exitMisconfigured
}

// codeOf prints the error of a subcommand, and returns the exit code.
func codeOf(err error) (code int) {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "integration:", err)
	return exitFailed
}
