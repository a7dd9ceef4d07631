package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// writesOfProvisioning are all writes for a new workspace with one namespace.
var writesOfProvisioning = map[string]int{
	"POST namespaces": 1, "POST configmaps": 1, "POST limitranges": 1, "POST resourcequotas": 1, "POST serviceaccounts": 1,
	"POST networkpolicies": 1, "POST rolebindings": 2, "PATCH workspaces/status": 1,
}

func TestController_ProvisionsWorkspace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.provisioned("provision")

	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=True Ready",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	status := v1alpha1.WorkspaceStatus{
		ObservedGeneration: 1, Namespaces: []string{"flyte-provision"}, Tier: "standard", ProjectID: "provision",
		ProjectFlyte: new(env.flyteServer()),
		ConsoleURL:   "https://flyte.company.com/console/projects/provision",
	}
	if diff := cmp.Diff(status, w.Status, cmpopts.IgnoreFields(v1alpha1.WorkspaceStatus{}, "Conditions", "ProjectDigest")); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(childrenOfActive, env.childNames("flyte-provision")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	project := flytetest.Project{
		ID: "provision", Name: "Fraud detection", Description: "Card fraud models", State: admin.Project_ACTIVE,
		Labels: map[string]string{
			v1alpha1.LabelWorkspace: "provision", v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, "cost-center": "42",
		},
	}
	if diff := cmp.Diff([]flytetest.Project{project}, env.flyte.Projects()); diff != "" {
		t.Errorf("Flyte's projects (-want +got):\n%s", diff)
	}
}

// A new workspace that becomes Ready gets no Event. Later changes get one each. The recorder sends Events asynchronously, in order.
func TestController_RecordsEvents(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("announced")
	env.setState("announced", v1alpha1.StateSuspended)
	env.await("announced", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.setState("announced", v1alpha1.StateActive)
	env.await("announced", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff([]string{"Normal Suspended", "Normal Ready"}, env.events("announced")); diff != "" {
			return fmt.Errorf("events (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestController_WritesNothingAtSteadyState(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("rest")
	for range 3 {
		env.reconcile("rest")
	}
	if diff := cmp.Diff(writesOfProvisioning, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	calls := map[string]int{"GetProject": 1, "RegisterProject": 1}
	if diff := cmp.Diff(calls, env.flyte.Calls()); diff != "" {
		t.Errorf("calls of Flyte (-want +got):\n%s", diff)
	}

	env.stop()
	restarted := newTestEnv(t, envOptions{flyte: env.flyte})
	for range 3 {
		restarted.reconcile("rest")
	}
	if diff := cmp.Diff(map[string]int(nil), restarted.requests.writes()); diff != "" {
		t.Errorf("writes after a restart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(calls, env.flyte.Calls()); diff != "" {
		t.Errorf("calls of Flyte after a restart (-want +got):\n%s", diff)
	}
}

func TestController_CreatesNamespacePerDomain(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{template: "{prefix}{project}-{domain}"})
	w := env.provisioned("domains")
	want := []string{"flyte-domains-development", "flyte-domains-staging", "flyte-domains-production"}
	if diff := cmp.Diff(want, w.Status.Namespaces); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
	for _, namespace := range want {
		if diff := cmp.Diff(childrenOfActive, env.childNames(namespace)); diff != "" {
			t.Errorf("objects in %s (-want +got):\n%s", namespace, diff)
		}
	}
	writes := map[string]int{}
	for write, n := range writesOfProvisioning {
		writes[write] = n * len(want)
	}
	writes["PATCH workspaces/status"] = 1
	if diff := cmp.Diff(writes, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestController_AppliesChangedConfiguration(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("moved")
	env.stop()
	env = newTestEnv(t, envOptions{flyte: env.flyte, consoleURL: "https://pipelines.company.com"})
	env.reconcile("moved")
	const want = "https://pipelines.company.com/console/projects/moved"
	w := env.await("moved", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if w.Status.ConsoleURL != want {
		t.Errorf("consoleURL is %s, want %s", w.Status.ConsoleURL, want)
	}
	config, err := env.object("flyte-moved", "ConfigMap/workspace-config")
	must(t, err)
	if got, _, _ := unstructured.NestedString(config.Object, "data", "console-url"); got != want {
		t.Errorf("console-url of the ConfigMap is %s, want %s", got, want)
	}
}

func TestController_ProvisionsManyConcurrently(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	const many = 2 * workers
	var ids []string
	for i := range many {
		ids = append(ids, fmt.Sprintf("many-%d", i))
		create(t, env.admin, env.workspace(ids[i]))
	}
	for _, id := range ids {
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		env.reconcile(id)
	}
	writes := map[string]int{}
	for write, n := range writesOfProvisioning {
		writes[write] = n * many
	}
	if diff := cmp.Diff(writes, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestController_ReadoptsNamespacesOfRecreatedWorkspace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.provisioned("orphan")
	namespace, versions, projects := env.namespace("flyte-orphan"), env.resourceVersions("flyte-orphan"), env.flyte.Projects()
	writes := env.requests.writes()

	must(t, env.admin.Delete(t.Context(), w))
	env.awaitWorkspaceNotCached("orphan")
	env.reconcile("orphan")
	wantAsBefore := func(when string) {
		t.Helper()
		if diff := cmp.Diff(namespace, env.namespace("flyte-orphan")); diff != "" {
			t.Errorf("%s, the namespace (-before +after):\n%s", when, diff)
		}
		if diff := cmp.Diff(versions, env.resourceVersions("flyte-orphan")); diff != "" {
			t.Errorf("%s, its objects (-before +after):\n%s", when, diff)
		}
		if diff := cmp.Diff(projects, env.flyte.Projects()); diff != "" {
			t.Errorf("%s, Flyte's projects (-before +after):\n%s", when, diff)
		}
	}
	wantAsBefore("released")

	env.provisioned("orphan")
	wantAsBefore("adopted")
	want := maps.Clone(writes)
	want["PATCH workspaces/status"]++
	if diff := cmp.Diff(want, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}
