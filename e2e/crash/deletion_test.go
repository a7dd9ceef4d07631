package crash

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
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
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// gracePeriod is the chart's default.
const gracePeriod = 168 * time.Hour

// TestDeletion deletes workspaces, and kills the service in the middle.
func TestDeletion(t *testing.T) {
	for i := range 60 {
		createBystander(t, fmt.Sprintf("bystander-%d", i))
	}
	t.Run("Life", lifeSurvivesSIGKILL)
	t.Run("Template", changedTemplateIsRefused)
	t.Run("CRD", reinstalledCRDTouchesNothing)
}

// createBystander creates a Workspace without content. The guard against mass deletion counts it, since its status names a namespace:
// with a hundred of them, a few workspaces may be purged.
func createBystander(t *testing.T, id string) {
	t.Helper()
	env := shared.Env()
	w := workspace.New(id)
	harness.Must(t, env.Admin.Create(t.Context(), w))
	before := w.DeepCopy()
	w.Status.Namespaces = []string{"flyte-" + id}
	if err := env.Admin.Status().Patch(t.Context(), w, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// mustBeRestored fails for each workspace that has another namespace now, or is still to be removed.
func mustBeRestored(t *testing.T, ids []string, first map[string]types.UID) {
	t.Helper()
	env := shared.Env()
	for id, uid := range namespaceUIDs(t, ids) {
		if w := harness.Get(t, env, &v1alpha1.Workspace{}, "", id); uid != first[id] || w.Status.Deletion != nil {
			t.Errorf("%s was not restored: its namespace is %s, was %s, its deletion is %+v", id, uid, first[id], w.Status.Deletion)
		}
	}
}

// mustBeForgotten fails if a namespace is left, or an event from before the purge takes effect.
func mustBeForgotten(t *testing.T, ids []string) {
	t.Helper()
	env := shared.Env()
	for _, id := range ids {
		mustBeGone(t, "flyte-"+id)
		if got := env.Deliver(t, harness.NewMessage(t, workspace.EventUpdated, harness.Data(id, 1))).Outcome(); got != "stale" {
			t.Errorf("a late event of %s is %s", id, got)
		}
	}
}

// lifeSurvivesSIGKILL takes workspaces through their whole life, and kills the service in the middle of each transition.
func lifeSurvivesSIGKILL(t *testing.T) {
	env := shared.Env()
	ids := []string{"life-0", "life-1", "life-2", "life-3"}
	version := int64(0)
	send := func(kind workspace.EventType, to []string) {
		t.Helper()
		version++
		for _, id := range to {
			env.Deliver(t, harness.NewMessage(t, kind, harness.Data(id, version)))
		}
	}
	// reach kills the service when the first of the workspaces has this reason, and waits until all of them have it.
	reach := func(reason string, state admin.Project_ProjectState) {
		t.Helper()
		harness.Eventually(t, "the first to be "+reason, func(ctx context.Context) bool {
			return slices.ContainsFunc(ids, func(id string) bool {
				var w v1alpha1.Workspace
				return env.Admin.Get(ctx, harness.Key(id), &w) == nil && harness.Ready(&w).Reason == reason
			})
		})
		env.Kill(t, func() {})
		for _, id := range ids {
			env.AwaitReason(t, id, reason)
			if p, ok := env.Project(id); !ok || p.State != state {
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

	send(workspace.EventCreated, ids[:2])
	restoreByHand(t, ids[2:])
	reach(v1alpha1.ReasonReady, admin.Project_ACTIVE)
	mustBeRestored(t, ids, first)

	send(workspace.EventDeleted, ids)
	reach(v1alpha1.ReasonDeleted, admin.Project_ARCHIVED)
	env.Kill(t, func() { endGracePeriod(t, ids...) })
	reach(v1alpha1.ReasonPurged, admin.Project_ARCHIVED)
	mustBeForgotten(t, ids)
	send(workspace.EventCreated, ids)
	reach(v1alpha1.ReasonReady, admin.Project_ACTIVE)
	for id, uid := range namespaceUIDs(t, ids) {
		if uid == first[id] {
			t.Errorf("the namespace of %s was not created again", id)
		}
	}
}

// restoreByHand restores workspaces with integrationctl.
func restoreByHand(t *testing.T, ids []string) {
	t.Helper()
	env := shared.Env()
	run := func(args ...string) (string, error) {
		args = append(args, "--kubeconfig", env.Kubeconfig(t))
		command := exec.CommandContext(t.Context(), env.Integrationctl, args...)
		text, err := command.CombinedOutput()
		return string(text), err
	}
	text, err := run("get", "workspaces", "--state", "Deleted")
	if err != nil || !strings.Contains(text, ids[0]) || !strings.Contains(text, "in 6d23h") {
		t.Errorf("listing the deleted: %v\n%s", err, text)
	}
	text, err = run(append([]string{"restore"}, ids...)...)
	if want := ids[0] + " is restored with everything in its namespaces.\n"; err != nil || !strings.HasPrefix(text, want) {
		t.Errorf("restoring: %v\n%s", err, text)
	}
	for id, want := range map[string]string{
		ids[0]:    `workspace "` + ids[0] + `" is not deleted: its state is Active`,
		"unknown": `reading workspace "unknown": workspaces.platform.company.com "unknown" not found`,
	} {
		if text, err := run("restore", id); err == nil || !strings.Contains(text, want) {
			t.Errorf("restoring %s: %v\n%s", id, err, text)
		}
	}
}

// changedTemplateIsRefused starts another replica with a template by which existing workspaces would get other namespaces.
func changedTemplateIsRefused(t *testing.T) {
	env := shared.Env()
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("rooted", 1)))
	env.AwaitReason(t, "rooted", v1alpha1.ReasonReady)
	changed, err := env.Service.Replica(t.Context(), "changed-0")
	harness.Must(t, err)
	changed.Set("NAMESPACE_TEMPLATE", "{prefix}{project}-{domain}")
	err = changed.Start(t.Context())
	if err == nil {
		changed.Kill()
		t.Fatal("it started")
	}
	if code := changed.ExitCode(); code != 2 || !strings.Contains(err.Error(), "-development") {
		t.Errorf("it ended with %d: %v", code, err)
	}
}

// reinstalledCRDTouchesNothing deletes the CRD, and with it every Workspace, and installs it again.
func reinstalledCRDTouchesNothing(t *testing.T) {
	env := shared.Env()
	ids := []string{"crd-0", "crd-1", "crd-2"}
	for _, id := range ids {
		env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(id, 1)))
	}
	for _, id := range ids {
		env.AwaitReason(t, id, v1alpha1.ReasonReady)
	}
	namespaces, projects := ownedNamespaces(t), env.Flyte.Projects()
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	crd = harness.Get(t, env, crd, "", "workspaces.platform.company.com")
	if err := env.Admin.Delete(t.Context(), crd.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the CRD to be gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(env.Admin.Get(ctx, harness.Key(crd.GetName()), crd.DeepCopy()))
	})
	crd.SetResourceVersion("")
	crd.SetUID("")
	unstructured.RemoveNestedField(crd.Object, "status")
	if err := env.Admin.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(id, int64(i+1))))
	}
	env.Kill(t, func() {})
	for _, id := range ids {
		env.AwaitReason(t, id, v1alpha1.ReasonReady)
	}
	for name, was := range ownedNamespaces(t) {
		if strings.HasPrefix(name, "flyte-crd-") && was != namespaces[name] {
			t.Errorf("%s is at %s, was at %s", name, was, namespaces[name])
		}
		delete(namespaces, name)
	}
	if len(namespaces) > 0 {
		t.Errorf("these are gone: %v", namespaces)
	}
	if now := env.Flyte.Projects(); fmt.Sprint(now) != fmt.Sprint(projects) {
		t.Errorf("Flyte's projects are %+v, were %+v", now, projects)
	}
}

// ownedNamespaces are the resourceVersions of all namespaces of workspaces.
func ownedNamespaces(t *testing.T) map[string]string {
	t.Helper()
	env := shared.Env()
	var all corev1.NamespaceList
	if err := env.Admin.List(t.Context(), &all, client.HasLabels{v1alpha1.LabelWorkspace}); err != nil {
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
	env := shared.Env()
	uids := map[string]types.UID{}
	for _, id := range ids {
		uids[id] = harness.Get(t, env, &corev1.Namespace{}, "", "flyte-"+id).UID
	}
	return uids
}

func mustBeGone(t *testing.T, namespace string) {
	t.Helper()
	env := shared.Env()
	if err := env.Admin.Get(t.Context(), harness.Key(namespace), &corev1.Namespace{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace %s is there: %v", namespace, err)
	}
}

// endGracePeriod moves the times in the status of deleted workspaces so that their grace period has ended.
func endGracePeriod(t *testing.T, ids ...string) {
	t.Helper()
	env := shared.Env()
	for _, id := range ids {
		w := harness.Get(t, env, &v1alpha1.Workspace{}, "", id)
		before := w.DeepCopy()
		d := w.Status.Deletion
		if d == nil || d.PurgeAt == nil {
			t.Fatalf("%s has no grace period: %+v", id, w.Status)
		}
		d.RequestedAt = metav1.NewTime(d.RequestedAt.Add(-gracePeriod))
		d.PurgeAt = &metav1.Time{Time: d.PurgeAt.Add(-gracePeriod)}
		harness.Must(t, env.Admin.Status().Patch(t.Context(), w, client.MergeFrom(before)))
	}
}
