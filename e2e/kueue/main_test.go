// Package kueue proves queues with Kueue's own controller, simulated nodes, the chart's permissions and policies, and pods as Flyte makes
// them. It runs only by `make test-kueue`, which builds Kueue.
package kueue

import (
	"fmt"
	"os"
	"testing"

	"platform.company.com/workspace-flyte-integration/devcluster/kueue"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared = harness.Shared{Options: harness.Options{
	Nodes: 4,
	Values: map[string]any{
		"queues": map[string]any{"enabled": true},
		"workspaces": map[string]any{
			"namespaceTemplate": "{prefix}{project}-{domain}", "deletion": map[string]any{"policy": "Delete", "gracePeriod": "1s"},
		},
	},
}}

func TestMain(m *testing.M) {
	if os.Getenv(kueue.Enabled) == "" {
		fmt.Println("SKIP: these tests need Kueue's controller; make test-kueue builds it and runs them") //nolint:forbidigo // for go test -v
		return
	}
	shared.Main(m)
}
