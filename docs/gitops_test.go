package docs_test

import (
	"os"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// TestArgoCDHealth runs the health check of gitops.md as Argo CD does, with the object as the variable obj.
func TestArgoCDHealth(t *testing.T) {
	page, err := os.ReadFile("gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "```lua\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("gitops.md has no Lua")
	}
	condition := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "as it is"}
	}
	for name, c := range map[string]struct {
		observed   int64
		conditions []metav1.Condition
		want       string
	}{
		"not reconciled": {-1, nil, "Progressing: waiting for the service"},
		"changed":        {1, []metav1.Condition{condition("Ready", "True", "Ready")}, "Progressing: waiting for the service"},
		"ready":          {2, []metav1.Condition{condition("Ready", "True", "Ready")}, "Healthy: as it is"},
		"deleted":        {2, []metav1.Condition{condition("Ready", "True", "Deleted")}, "Healthy: as it is"},
		"suspended":      {2, []metav1.Condition{condition("Ready", "True", "Suspended")}, "Suspended: as it is"},
		"waiting": {2, []metav1.Condition{
			condition("Ready", "False", "FlyteUnavailable"), condition("Reconciling", "True", "FlyteUnavailable"),
		}, "Progressing: as it is"},
		"stalled": {2, []metav1.Condition{
			condition("Stalled", "True", "Conflict"), condition("Ready", "False", "Conflict"),
		}, "Degraded: as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "ws-1", Generation: 2}}
			w.Status.ObservedGeneration, w.Status.Conditions = c.observed, c.conditions
			if got := health(t, script, w); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func health(t *testing.T, script string, w *v1alpha1.Workspace) string {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(w)
	if err != nil {
		t.Fatal(err)
	}
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		t.Fatal(err)
	}
	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatal("the script returns no table")
	}
	return result.RawGetString("status").String() + ": " + result.RawGetString("message").String()
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, field := range v {
			table.RawSetString(key, toLua(state, field))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range v {
			table.Append(toLua(state, item))
		}
		return table
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	}
	return lua.LNil
}
