// Command integration is the service: it receives signed webhooks, stores the wish as a Workspace, makes it true and
// keeps it true. It is configured by environment variables alone; docs/operations.md lists them.
package main

import (
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set by the build.
var version = "dev"

// Exit codes: 1 for a fault while running, 2 for a configuration that can't be right.
const (
	exitFailed        = 1
	exitMisconfigured = 2
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println(version)
		return
	}
	cfg, problems := loadConfig(os.Environ())
	if len(problems) > 0 {
		for _, problem := range problems {
			fmt.Fprintln(os.Stderr, problem)
		}
		os.Exit(exitMisconfigured)
	}
	if err := run(ctrl.SetupSignalHandler(), cfg); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(exitFailed)
	}
}
