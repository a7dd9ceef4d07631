package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// gracePeriod is the chart's default.
const gracePeriod = 168 * time.Hour

// TestDeletion tells of deletions, each in the middle of which the service is killed.
func TestDeletion(t *testing.T) {
	ownWorld(t, map[string]any{"workspaces": map[string]any{"deletion": map[string]any{"policy": "Delete"}}})
	for i := range 100 {
		makeBystander(t, fmt.Sprintf("bystander-%d", i))
	}
	t.Run("Life", lifeSurvivesSIGKILL)
	t.Run("ForeignNamespace", foreignNamespaceSurvives)
	t.Run("Kubectl", kubectlReleases)
	t.Run("Template", changedTemplateIsRefused)
	t.Run("CRD", reinstalledCRDTouchesNothing)
}

// makeBystander makes a Workspace that gets nothing, and counts for the brake on mass deletion, since its status names a
// namespace: with so many, the stories may delete theirs.
func makeBystander(t *testing.T, id string) {
	t.Helper()
	w := workspace.New(id)
	create(t.Context(), t, w)
	before := w.DeepCopy()
	w.Status.Namespaces = []string{"flyte-" + id}
	if err := world.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// mustBeRestored fails for each workspace that has another namespace now, or is still to be removed.
func mustBeRestored(t *testing.T, ids []string, first map[string]types.UID) {
	t.Helper()
	for id, uid := range namespaceUIDs(t, ids) {
		if w := live(t, &v1alpha1.Workspace{}, "", id); uid != first[id] || w.Status.Deletion != nil {
			t.Errorf("%s was not restored: its namespace is %s, was %s, its deletion is %+v", id, uid, first[id], w.Status.Deletion)
		}
	}
}

// mustBeForgotten fails where a namespace is left, or an event from before has an effect.
func mustBeForgotten(t *testing.T, ids []string) {
	t.Helper()
	for _, id := range ids {
		mustBeGone(t, "flyte-"+id)
		if got := newMessage(t, workspace.EventUpdated, team(id, 1)).mustDeliver(t).Outcome(); got != "stale" {
			t.Errorf("a late event of %s is %s", id, got)
		}
	}
}

// lifeSurvivesSIGKILL takes workspaces through their whole life.
func lifeSurvivesSIGKILL(t *testing.T) {
	ids := []string{"life-0", "life-1", "life-2", "life-3", "life-4", "life-5"}
	version := int64(0)
	send := func(kind workspace.EventType, to []string) {
		t.Helper()
		version++
		for _, id := range to {
			newMessage(t, kind, team(id, version)).mustDeliver(t)
		}
	}
	// reach kills the service when the first of the workspaces is where all of them shall get.
	reach := func(reason string, state admin.Project_ProjectState) {
		t.Helper()
		inTheMiddle(t, "the first to be "+reason, func(ctx context.Context) (n int) {
			for _, id := range ids {
				var w v1alpha1.Workspace
				if world.admin.Get(ctx, named(id), &w) == nil && ready(&w).Reason == reason {
					n++
				}
			}
			return n
		})
		killed(t, func() {})
		for _, id := range ids {
			settled(t, id, reason)
			if p, ok := findProject(id); !ok || p.State != state {
				t.Errorf("%s is %s, and its project %+v", id, reason, p)
			}
		}
	}
	send(workspace.EventCreated, ids)
	reach(v1alpha1.ReasonReady, admin.Project_ACTIVE)
	first := namespaceUIDs(t, ids)
	send(workspace.EventSuspended, ids)
	reach(v1alpha1.ReasonSuspended, admin.Project_ARCHIVED)
	send(workspace.EventResumed, ids)
	reach(v1alpha1.ReasonReady, admin.Project_ACTIVE)
	send(workspace.EventDeleted, ids)
	reach(v1alpha1.ReasonDeleted, admin.Project_ARCHIVED)

	send(workspace.EventCreated, ids[:3])
	restoreByHand(t, ids[3:])
	reach(v1alpha1.ReasonReady, admin.Project_ACTIVE)
	mustBeRestored(t, ids, first)

	send(workspace.EventDeleted, ids)
	reach(v1alpha1.ReasonDeleted, admin.Project_ARCHIVED)
	killed(t, func() { letTimePass(t, gracePeriod, ids...) })
	reach(v1alpha1.ReasonPurged, admin.Project_ARCHIVED)
	mustBeForgotten(t, ids)
	send(workspace.EventCreated, ids)
	reach(v1alpha1.ReasonReady, admin.Project_ACTIVE)
	for id, uid := range namespaceUIDs(t, ids) {
		if uid == first[id] {
			t.Errorf("the namespace of %s was not made anew", id)
		}
	}
}

// restoreByHand restores workspaces as an operator does.
func restoreByHand(t *testing.T, ids []string) {
	t.Helper()
	run := func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), world.ctl, append([]string{"workspaces", "--kubeconfig", kubeconfig(t)}, args...)...)
		text, err := command.CombinedOutput()
		return string(text), err
	}
	if text, err := run("list", "--deleted"); err != nil || !strings.Contains(text, ids[0]) || !strings.Contains(text, "in 6d23h") {
		t.Errorf("listing the deleted: %v\n%s", err, text)
	}
	text, err := run(append([]string{"restore"}, ids...)...)
	if want := "workspace " + ids[0] + ": restored with everything that it had\n"; err != nil || !strings.HasPrefix(text, want) {
		t.Errorf("restoring: %v\n%s", err, text)
	}
	for id, want := range map[string]string{
		ids[0]:    `restoring workspace "` + ids[0] + `": its state is Active, not Deleted`,
		"unheard": `restoring workspace "unheard": workspaces.platform.company.com "unheard" not found`,
	} {
		if text, err := run("restore", id); err == nil || !strings.Contains(text, want) {
			t.Errorf("restoring %s: %v\n%s", id, err, text)
		}
	}
}

// foreignNamespaceSurvives has somebody else make a namespace under the name of one that is about to be removed.
func foreignNamespaceSurvives(t *testing.T) {
	newMessage(t, workspace.EventCreated, team("usurped", 1)).mustDeliver(t)
	settled(t, "usurped", v1alpha1.ReasonReady)
	newMessage(t, workspace.EventDeleted, team("usurped", 2)).mustDeliver(t)
	settled(t, "usurped", v1alpha1.ReasonDeleted)
	var foreign *corev1.Namespace
	killed(t, func() {
		removeNamespace(t, "flyte-usurped")
		foreign = makeNamespace(t, "flyte-usurped")
		letTimePass(t, gracePeriod, "usurped")
	})
	settled(t, "usurped", v1alpha1.ReasonPurged)
	if now := live(t, &corev1.Namespace{}, "", "flyte-usurped"); now.ResourceVersion != foreign.ResourceVersion {
		t.Errorf("the namespace was touched: %+v", now.ObjectMeta)
	}
}

// kubectlReleases deletes a Workspace with kubectl. That takes nothing away, and the next event takes it up again.
func kubectlReleases(t *testing.T) {
	newMessage(t, workspace.EventCreated, team("released", 1)).mustDeliver(t)
	w := settled(t, "released", v1alpha1.ReasonReady)
	before, orphans := live(t, &corev1.Namespace{}, "", "flyte-released"), metric(t, "workspace_flyte_orphan_namespaces")
	project, _ := findProject("released")
	if err := world.admin.Delete(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the orphan to be reported", func(context.Context) bool {
		return metric(t, "workspace_flyte_orphan_namespaces") == orphans+1
	})
	killed(t, func() {})
	newMessage(t, workspace.EventCreated, team("released", 1)).mustDeliver(t)
	settled(t, "released", v1alpha1.ReasonReady)
	if now := live(t, &corev1.Namespace{}, "", "flyte-released"); now.ResourceVersion != before.ResourceVersion {
		t.Errorf("the namespace was touched: %+v", now.ObjectMeta)
	}
	if now, _ := findProject("released"); fmt.Sprint(now) != fmt.Sprint(project) {
		t.Errorf("the project was touched: %+v, was %+v", now, project)
	}
	eventually(t, "the orphan to be one no more", func(context.Context) bool {
		return metric(t, "workspace_flyte_orphan_namespaces") == orphans
	})
}

// changedTemplateIsRefused starts another replica under a template that would move what is there.
func changedTemplateIsRefused(t *testing.T) {
	newMessage(t, workspace.EventCreated, team("rooted", 1)).mustDeliver(t)
	settled(t, "rooted", v1alpha1.ReasonReady)
	values := map[string]any{"workspaces": map[string]any{"deletion": map[string]any{"policy": "Delete"}}}
	changed := install(t, values, map[string]string{"NAMESPACE_TEMPLATE": "{prefix}{project}-{domain}", "POD_NAME": "changed-0"})
	err := changed.Start(t.Context())
	if err == nil {
		changed.Kill()
		t.Fatal("it started")
	}
	for _, part := range []string{
		"NAMESPACE_TEMPLATE: ",
		"workspace rooted has the namespace flyte-rooted, and would get flyte-rooted-development, flyte-rooted-staging, flyte-rooted-production",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// reinstalledCRDTouchesNothing deletes the CRD, and with it every Workspace, and installs it again.
func reinstalledCRDTouchesNothing(t *testing.T) {
	ids := []string{"crd-0", "crd-1", "crd-2"}
	for _, id := range ids {
		newMessage(t, workspace.EventCreated, team(id, 1)).mustDeliver(t)
	}
	for _, id := range ids {
		settled(t, id, v1alpha1.ReasonReady)
	}
	namespaces, projects := ours(t), world.flyte.Projects()
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	crd = live(t, crd, "", "workspaces.platform.company.com")
	if err := world.admin.Delete(t.Context(), crd.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the CRD to be gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(world.admin.Get(ctx, named(crd.GetName()), crd.DeepCopy()))
	})
	crd.SetResourceVersion("")
	crd.SetUID("")
	unstructured.RemoveNestedField(crd.Object, "status")
	if err := world.admin.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		newMessage(t, workspace.EventCreated, team(id, int64(i+1))).mustDeliver(t)
	}
	killed(t, func() {})
	for _, id := range ids {
		settled(t, id, v1alpha1.ReasonReady)
	}
	for name, was := range ours(t) {
		if strings.HasPrefix(name, "flyte-crd-") && was != namespaces[name] {
			t.Errorf("%s is at %s, was at %s", name, was, namespaces[name])
		}
		delete(namespaces, name)
	}
	if len(namespaces) > 0 {
		t.Errorf("these are gone: %v", namespaces)
	}
	if now := world.flyte.Projects(); fmt.Sprint(now) != fmt.Sprint(projects) {
		t.Errorf("Flyte's projects are %+v, were %+v", now, projects)
	}
}

// ours are the resourceVersions of all namespaces with our label.
func ours(t *testing.T) map[string]string {
	t.Helper()
	var all corev1.NamespaceList
	if err := world.admin.List(t.Context(), &all, client.HasLabels{v1alpha1.LabelWorkspace}); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for i := range all.Items {
		versions[all.Items[i].Name] = all.Items[i].ResourceVersion
	}
	return versions
}

func namespaceUIDs(t *testing.T, ids []string) map[string]types.UID {
	t.Helper()
	uids := map[string]types.UID{}
	for _, id := range ids {
		uids[id] = live(t, &corev1.Namespace{}, "", "flyte-"+id).UID
	}
	return uids
}

func mustBeGone(t *testing.T, namespace string) {
	t.Helper()
	if err := world.admin.Get(t.Context(), named(namespace), &corev1.Namespace{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace %s is there: %v", namespace, err)
	}
}

// removeNamespace deletes a namespace as somebody would by hand, and waits for its end.
func removeNamespace(t *testing.T, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := world.admin.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	eventually(t, name+" to be gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(world.admin.Get(ctx, named(name), namespace))
	})
}
