// Package crash kills the service, the workspace service and the leader of several replicas, and checks that nothing is lost, done twice
// or done to others.
package crash

import (
	"testing"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared = harness.Shared{Options: harness.Options{
	Values: map[string]any{"workspaces": map[string]any{"deletion": map[string]any{"policy": "Delete"}}},
	Env:    harness.ShortLease(),
}}

func TestMain(m *testing.M) { shared.Main(m) }
