package lifecycle

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/store"
)

// finalState is the observable state of a workspace, without its id.
type finalState struct {
	Spec     v1alpha1.WorkspaceSpec
	Status   []string
	Objects  map[string]string
	Projects []flytetest.Project
}

func (env *testEnv) finalStateOf(id string) finalState {
	env.t.Helper()
	w := env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	e := finalState{Spec: w.Spec, Status: conditions(w), Objects: map[string]string{}}
	anonymous := func(text string) string { return strings.ReplaceAll(text, id, "<id>") }
	for name, o := range env.children("flyte-" + id) {
		e.Objects[name] = anonymous(fmt.Sprint(content(o)))
	}
	for _, p := range env.flyte.Projects() {
		if p.ID == id {
			p.ID, p.Labels[v1alpha1.LabelWorkspace] = "<id>", "<id>"
			e.Projects = append(e.Projects, p)
		}
	}
	return e
}

// The test is not parallel: the Workspaces of a Store don't have the label of a test.
func TestController_ConvergesForEveryEventOrder(t *testing.T) {
	env := newTestEnv(t, envOptions{watchesAll: true})
	workspaces, err := store.New(t.Context(), env.mgr.GetClient(), env.mgr.GetAPIReader(), env.mgr.GetCache(), workspace.NewLimits(1000))
	must(t, err)
	data := workspace.Data{
		Name: "First name", Members: []v1alpha1.Member{{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin}},
	}
	changed := data
	changed.Name, changed.Members = "Second name", append(changed.Members, v1alpha1.Member{
		Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor,
	})
	events := []workspace.Event{
		{Type: workspace.EventCreated, Data: data},
		{Type: workspace.EventUpdated, Data: changed},
		{Type: workspace.EventSuspended},
	}
	finalStates := map[string]finalState{}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		id := "order-" + strings.Trim(strings.ReplaceAll(fmt.Sprint(order), " ", ""), "[]")
		for _, i := range order {
			e := events[i]
			e.Data.WorkspaceID, e.Data.Version = id, int64(i+1)
			delivery := workspace.NewDelivery(fmt.Sprintf("msg-%s-%d", id, i), []byte(e.Type), time.Time{})
			_, _, err := workspaces.Record(t.Context(), e, delivery)
			must(t, err)
			env.reconcile(id) // each intermediate state takes effect
		}
		finalStates[id] = env.finalStateOf(id)
	}
	want := finalStates["order-012"]
	if len(want.Projects) != 1 || want.Spec.DisplayName != "Second name" || len(want.Objects) == 0 {
		t.Fatalf("events in order lead to %+v", want)
	}
	for id, got := range finalStates {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-in order +got):\n%s", id, diff)
		}
	}
}
