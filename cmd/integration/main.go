// Command integration is the service: it receives signed webhooks, stores the wish as a Workspace, makes it true and
// keeps it true. It is configured by environment variables alone; docs/configuration.md lists them.
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
)

// Exit codes: 1 for a fault while running, 2 for a configuration that can't be right.
const (
	exitFailed        = 1
	exitMisconfigured = 2
)

const (
	// heapGrowth is by how many percent the heap grows before garbage is collected, unless GOGC says otherwise: what is kept of
	// all workspaces would be looked at again and again for the sake of what one request leaves behind.
	heapGrowth = 300
	// heapLimit is the share of the container's memory from which on garbage is collected more often, unless GOMEMLIMIT says
	// otherwise: the rest is for what the Go runtime doesn't count.
	heapLimit = 0.9
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(answer(os.Args[1:]))
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
	limitGarbage(log)
	if err := run(ctrl.SetupSignalHandler(), cfg, log, slogger); err != nil {
		os.Exit(stopped(log, err))
	}
}

// limitGarbage sets how often garbage is collected. Without a limit of the container there is none.
func limitGarbage(log logr.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	limit, err := memlimit.Set(memlimit.WithRatio(heapLimit), memlimit.WithProvider(memlimit.FromCgroup))
	log.V(1).Info("garbage is collected more often above a limit", "bytes", limit, "unlimited", err)
}

// stopped tells why the service ended by itself.
func stopped(log logr.Logger, err error) (code int) {
	if wrong, ok := errors.AsType[misconfiguration](err); ok {
		fmt.Fprintln(os.Stderr, wrong)
		return exitMisconfigured
	}
	log.Error(err, "stopping")
	return exitFailed
}

// answer is for people who try arguments, and for `helm test`.
func answer(args []string) (code int) {
	switch {
	case slices.Equal(args, []string{"--version"}):
		fmt.Println(versionLine())
		return 0
	case len(args) == 2 && args[0] == "--test":
		if err := selfTest(ctrl.SetupSignalHandler(), args[1], os.Getenv("WORKSPACE_WEBHOOK_SECRET_FILE"), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "integration:", err)
			return exitFailed
		}
		return 0
	}
	fmt.Fprintln(os.Stderr, "integration takes no argument but --version, and --test URL: environment variables configure it")
	return exitMisconfigured
}
