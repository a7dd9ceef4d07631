// Package fault takes away what the service depends on, or makes it fail: the API server, etcd, Flyte, watches, rights, disk space and file
// descriptors.
package fault

import (
	"testing"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared = harness.Shared{Options: harness.Options{Env: harness.ShortLease()}}

func TestMain(m *testing.M) { shared.Main(m) }
