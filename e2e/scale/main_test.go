// Package scale loads the service with many workspaces and large bodies, and checks requests, memory and what is given back afterwards.
package scale

import (
	"flag"
	"testing"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// pprof lets the service serve profiles on 127.0.0.1:6060, where only one process on a machine can.
var pprof = flag.Bool("pprof", false, "let the service serve profiles on 127.0.0.1:6060")

var shared harness.Shared

func TestMain(m *testing.M) {
	flag.Parse()
	if *pprof {
		shared.Options.Env = map[string]string{"PPROF_ENABLED": "true"}
	}
	shared.Main(m)
}
