package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
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

// TestWebhookBecomesReadyWorkspace sends 50 webhooks, one after the other, and reports how long each takes beside the
// floor: a bare client that makes the same objects, all children at once.
func TestWebhookBecomesReadyWorkspace(t *testing.T) {
	const n = 50
	times, err := readyTimes(t.Context(), "ready-", n)
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]time.Time{}
	var answers, readies, floors []time.Duration
	for i := range n {
		id := fmt.Sprintf("ready-%d", i)
		floors = append(floors, makeBare(t, fmt.Sprintf("floor-%d", i)))
		r := newMessage(t, workspace.EventCreated, team(id, 1)).mustDeliver(t)
		answered[id] = time.Now()
		answers = append(answers, r.took)
		settled(t, id, v1alpha1.ReasonReady)
	}
	for id, at := range <-times {
		readies = append(readies, at.Sub(answered[id]))
	}
	if len(readies) != n {
		t.Fatalf("%d of %d became Ready", len(readies), n)
	}
	t.Logf("answer %v, answer to Ready %v, floor for the same objects %v (medians of %d)",
		median(answers), median(readies), median(floors), n)
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
			if _, err := m.deliver(t.Context(), world.service.URL, world.service.Secret); err != nil {
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

// makeBare makes what the service makes for a workspace, with nothing between client and API server, and tells how
// long it took. It leaves no Workspace behind: the service would have to mend the status that was written here.
func makeBare(t *testing.T, id string) time.Duration {
	t.Helper()
	w := workspace.New(id + "-bare")
	if _, err := workspace.Record(w, workspace.Event{Type: workspace.EventCreated, Data: team(w.Name, 1)}, workspace.Delivery{}); err != nil {
		t.Fatal(err)
	}
	// An unlabelled namespace is nobody's business, and the state keeps the service from it.
	w.Spec.State, w.Spec.DisplayName = v1alpha1.StateDeleted, ""
	tier := live(t, &v1alpha1.WorkspaceTier{}, "", v1alpha1.DefaultTier)
	plan := &k8s.Plan{
		Cluster: &k8s.Cluster{FlyteNamespace: "flyte-system"}, Workspace: w, Tier: tier,
		Namespace: workspace.Namespace{Name: id + "-bare"},
	}
	namespace := plan.NamespaceObject()
	namespace.Labels = nil
	children, _ := plan.QuotaObjects()
	bindings, _ := plan.AccessObjects()
	children = append(append(append(children, bindings...), plan.NetworkObjects()...), plan.ConfigObject(), plan.WorkloadIdentity())

	start := time.Now()
	create(t.Context(), t, w)
	create(t.Context(), t, namespace)
	var group sync.WaitGroup
	for _, child := range children {
		child.SetLabels(nil)
		group.Go(func() { create(t.Context(), t, child) })
	}
	group.Wait()
	before := w.DeepCopy()
	w.Status.Conditions = []metav1.Condition{{Type: "Bare", Status: metav1.ConditionTrue, Reason: "Bare", LastTransitionTime: metav1.Now()}}
	if err := world.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)); err != nil {
		t.Error(err)
	}
	took := time.Since(start)
	if err := world.admin.Delete(t.Context(), w); err != nil {
		t.Error(err)
	}
	return took
}

func create(ctx context.Context, t *testing.T, o client.Object) {
	t.Helper()
	if err := world.admin.Create(ctx, o); err != nil {
		t.Error(err)
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2].Round(100 * time.Microsecond)
}
