package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// childKinds are the kinds that a workspace has in its namespaces, of which Kubernetes makes some of its own.
var childKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "LimitRange"},
	{Version: "v1", Kind: "PodTemplate"},
	{Version: "v1", Kind: "ResourceQuota"},
	{Version: "v1", Kind: "ServiceAccount"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
}

// childrenOfActive is what the workspace of stage.workspace has in a namespace.
var childrenOfActive = []string{
	"ConfigMap/workspace-config",
	"LimitRange/workspace-limits",
	"NetworkPolicy/workspace-isolation",
	"ResourceQuota/workspace-quota",
	"RoleBinding/workspace-admin",
	"RoleBinding/workspace-editor",
	"ServiceAccount/flyte-workload",
}

// writesOfProvisioning are all writes of a workspace with one namespace.
var writesOfProvisioning = map[string]int{
	"POST namespaces": 1, "POST configmaps": 1, "POST limitranges": 1, "POST resourcequotas": 1, "POST serviceaccounts": 1,
	"POST networkpolicies": 1, "POST rolebindings": 2, "PATCH workspaces/status": 1,
}

// children are all objects in a namespace but those that Kubernetes makes in each, by "Kind/name".
func (s *stage) children(namespace string) map[string]*unstructured.Unstructured {
	s.t.Helper()
	found := map[string]*unstructured.Unstructured{}
	for _, kind := range childKinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		must(s.t, s.admin.List(s.t.Context(), list, client.InNamespace(namespace)))
		for i := range list.Items {
			if name := list.Items[i].GetName(); name != "kube-root-ca.crt" && name != "default" {
				found[kind.Kind+"/"+name] = &list.Items[i]
			}
		}
	}
	return found
}

func (s *stage) childNames(namespace string) []string {
	s.t.Helper()
	var names []string
	for name := range s.children(namespace) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// resourceVersions tell whether anything was written at all.
func (s *stage) resourceVersions(namespace string) map[string]string {
	s.t.Helper()
	versions := map[string]string{}
	for name, o := range s.children(namespace) {
		if o.GetKind() != "ResourceQuota" { // kube-controller-manager writes its status
			versions[name] = o.GetResourceVersion()
		}
	}
	return versions
}

func (s *stage) events(id string) []string {
	s.t.Helper()
	var all eventsv1.EventList
	must(s.t, s.admin.List(s.t.Context(), &all))
	var lines []string
	for _, e := range all.Items {
		if e.Regarding.Kind == "Workspace" && e.Regarding.Name == id {
			lines = append(lines, e.Type+" "+e.Reason)
		}
	}
	return lines
}

func TestController_ProvisionsWorkspace(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.provisioned("provision")

	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=True Ready",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	status := v1alpha1.WorkspaceStatus{
		ObservedGeneration: 1, Namespaces: []string{"flyte-provision"}, Tier: "standard", ProjectID: "provision",
		ProjectFlyte: new(s.flyteServer()),
		ConsoleURL:   "https://flyte.company.com/console/projects/provision",
	}
	if diff := cmp.Diff(status, w.Status, cmpopts.IgnoreFields(v1alpha1.WorkspaceStatus{}, "Conditions", "ProjectDigest")); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(childrenOfActive, s.childNames("flyte-provision")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	project := flytetest.Project{
		ID: "provision", Name: "Fraud detection", Description: "Card fraud models", State: admin.Project_ACTIVE,
		Labels: map[string]string{
			v1alpha1.LabelWorkspace: "provision", v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, "cost-center": "42",
		},
	}
	if diff := cmp.Diff([]flytetest.Project{project}, s.flyte.Projects()); diff != "" {
		t.Errorf("Flyte's projects (-want +got):\n%s", diff)
	}
}

// That a new workspace is Ready at once is no news; what changes afterwards is. The recorder sends Events in their order, in the
// background.
func TestController_AnnouncesChanges(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("announced")
	s.setState("announced", v1alpha1.StateSuspended)
	s.await("announced", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	s.setState("announced", v1alpha1.StateActive)
	s.await("announced", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff([]string{"Normal Suspended", "Normal Ready"}, s.events("announced")); diff != "" {
			return fmt.Errorf("events (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestController_WritesOnceAndRestsThen(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("rest")
	for range 3 {
		s.reconcile("rest")
	}
	if diff := cmp.Diff(writesOfProvisioning, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	calls := map[string]int{"GetProject": 1, "RegisterProject": 1}
	if diff := cmp.Diff(calls, s.flyte.Calls()); diff != "" {
		t.Errorf("calls of Flyte (-want +got):\n%s", diff)
	}

	s.stop()
	restarted := newStage(t, stageOptions{flyte: s.flyte})
	for range 3 {
		restarted.reconcile("rest")
	}
	if diff := cmp.Diff(map[string]int(nil), restarted.requests.writes()); diff != "" {
		t.Errorf("writes after a restart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(calls, s.flyte.Calls()); diff != "" {
		t.Errorf("calls of Flyte after a restart (-want +got):\n%s", diff)
	}
}

func TestController_MakesOneNamespacePerDomain(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{template: "{prefix}{project}-{domain}"})
	w := s.provisioned("domains")
	want := []string{"flyte-domains-development", "flyte-domains-staging", "flyte-domains-production"}
	if diff := cmp.Diff(want, w.Status.Namespaces); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
	for _, namespace := range want {
		if diff := cmp.Diff(childrenOfActive, s.childNames(namespace)); diff != "" {
			t.Errorf("objects in %s (-want +got):\n%s", namespace, diff)
		}
	}
	writes := map[string]int{}
	for write, n := range writesOfProvisioning {
		writes[write] = n * len(want)
	}
	writes["PATCH workspaces/status"] = 1
	if diff := cmp.Diff(writes, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestController_FollowsItsConfiguration(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("moved")
	s.stop()
	s = newStage(t, stageOptions{flyte: s.flyte, consoleURL: "https://pipelines.company.com"})
	s.reconcile("moved")
	const want = "https://pipelines.company.com/console/projects/moved"
	w := s.await("moved", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if w.Status.ConsoleURL != want {
		t.Errorf("consoleURL is %s, want %s", w.Status.ConsoleURL, want)
	}
	config, err := s.object("flyte-moved", "ConfigMap/workspace-config")
	must(t, err)
	if got, _, _ := unstructured.NestedString(config.Object, "data", "console-url"); got != want {
		t.Errorf("console-url of the ConfigMap is %s, want %s", got, want)
	}
}

func TestController_ProvisionsManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	const many = 2 * workers
	var ids []string
	for i := range many {
		ids = append(ids, fmt.Sprintf("many-%d", i))
		create(t, s.admin, s.workspace(ids[i]))
	}
	for _, id := range ids {
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		s.reconcile(id)
	}
	writes := map[string]int{}
	for write, n := range writesOfProvisioning {
		writes[write] = n * many
	}
	if diff := cmp.Diff(writes, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}
