package life

import (
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// TestWebhookBecomesReadyWorkspace sends one webhook; `make bench` measures how long it takes.
func TestWebhookBecomesReadyWorkspace(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	w := env.Create(t, harness.Data("ready", 1))
	for _, c := range w.Status.Conditions {
		if c.Status != "True" {
			t.Errorf("%s is %s: %s", c.Type, c.Status, c.Message)
		}
	}
	if w.Status.ConsoleURL != "https://flyte.company.com/console/projects/ready" {
		t.Errorf("the console URL is %q", w.Status.ConsoleURL)
	}
	project, _ := env.Project("ready")
	if project.Name != "Team ready" || project.Labels[v1alpha1.LabelWorkspace] != "ready" {
		t.Errorf("the project is %+v", project)
	}
}
