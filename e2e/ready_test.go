package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func findProject(id string) (flytetest.Project, bool) {
	projects := world.flyte.Projects()
	i := slices.IndexFunc(projects, func(p flytetest.Project) bool { return p.ID == id })
	if i < 0 {
		return flytetest.Project{}, false
	}
	return projects[i], true
}

// TestWebhookBecomesReadyWorkspace sends webhooks one after the other, and reports how long each takes; `make bench`
// tells how long that is beside a bare client.
func TestWebhookBecomesReadyWorkspace(t *testing.T) {
	const n = 20
	times, err := readyTimes(t.Context(), "ready-", n)
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]time.Time{}
	var answers, readies []time.Duration
	for i := range n {
		id := fmt.Sprintf("ready-%d", i)
		r := newMessage(t, workspace.EventCreated, team(id, 1)).mustDeliver(t)
		answered[id] = time.Now()
		answers = append(answers, r.Took)
		settled(t, id, v1alpha1.ReasonReady)
	}
	for id, at := range <-times {
		readies = append(readies, at.Sub(answered[id]))
	}
	if len(readies) != n {
		t.Fatalf("%d of %d became Ready", len(readies), n)
	}
	t.Logf("answer %v, answer to Ready %v (medians of %d)", quantile(answers, .5), quantile(readies, .5), n)
	project, _ := findProject("ready-0")
	if project.Name != "Team ready-0" || project.Labels[v1alpha1.LabelWorkspace] != "ready-0" {
		t.Errorf("the project is %+v", project)
	}
	if w := settled(t, "ready-0", v1alpha1.ReasonReady); w.Status.ConsoleURL != "https://flyte.company.com/console/projects/ready-0" {
		t.Errorf("the console URL is %q", w.Status.ConsoleURL)
	}
}

// Test200AtOnceBecomeReady sends 200 webhooks at the same time.
func Test200AtOnceBecomeReady(t *testing.T) {
	const n = 200
	start := time.Now()
	var group sync.WaitGroup
	for i := range n {
		m := newMessage(t, workspace.EventCreated, team(fmt.Sprintf("crowd-%d", i), 1))
		group.Go(func() {
			if _, err := m.deliverTo(t.Context(), world.service); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	t.Logf("all answered after %v", time.Since(start))
	for i := range n {
		settled(t, fmt.Sprintf("crowd-%d", i), v1alpha1.ReasonReady)
	}
	t.Logf("all Ready after %v: %.0f workspaces a second", time.Since(start), n/time.Since(start).Seconds())
}
