package k3s

import (
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// TestDown_PurgeNeedsTheHost: the service is not removed first, since K3s could then not be uninstalled.
func TestDown_PurgeNeedsTheHost(t *testing.T) {
	err := (&Target{}).Down(t.Context(), progress.New(progress.Plain(t.Output())), deploy.RemoveEverything)
	if deploy.OutcomeOf(err) != deploy.PreflightFailed || !strings.Contains(err.Error(), "--host") {
		t.Errorf("the error is %v", err)
	}
}
