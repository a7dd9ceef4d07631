package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestSpecChanged(t *testing.T) {
	t.Parallel()
	before := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{UID: "a", Generation: 1, ResourceVersion: "1"}}
	for name, test := range map[string]struct {
		after metav1.ObjectMeta
		want  bool
	}{
		"only status or metadata": {metav1.ObjectMeta{UID: "a", Generation: 1, ResourceVersion: "2"}, false},
		"another spec":            {metav1.ObjectMeta{UID: "a", Generation: 2, ResourceVersion: "2"}, true},
		"deleted and recreated":   {metav1.ObjectMeta{UID: "b", Generation: 1, ResourceVersion: "2"}, true},
	} {
		if got := specChanged(before, &v1alpha1.Workspace{ObjectMeta: test.after}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// cachedNamespaces is a cache with these Namespaces, by the workspace in their label.
type cachedNamespaces map[string]string

func (n cachedNamespaces) Get(_ context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	id, shown := n[key.Name]
	if !shown {
		return apierrors.NewNotFound(corev1.Resource("namespaces"), key.Name)
	}
	o.SetLabels(map[string]string{v1alpha1.LabelWorkspace: id})
	return nil
}

func (cachedNamespaces) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return nil
}

func TestRequestOfChild_NeedsCachedNamespace(t *testing.T) {
	t.Parallel()
	cached := cachedNamespaces{"flyte-known": "known"}
	child := func(namespace string) client.Object {
		labels := map[string]string{v1alpha1.LabelWorkspace: "another"}
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-config", Labels: labels}}
	}
	if diff := cmp.Diff(request("known"), requestOfChild(t.Context(), cached, child("flyte-known"))); diff != "" {
		t.Errorf("in a cached Namespace (-want +got):\n%s", diff)
	}
	if got := requestOfChild(t.Context(), cached, child("flyte-late")); got != nil {
		t.Errorf("in a Namespace that is not cached: %v", got)
	}
}

func TestWorkspaceChanged(t *testing.T) {
	t.Parallel()
	workspace := func(change func(*v1alpha1.Workspace)) *v1alpha1.Workspace {
		w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{UID: "a", Generation: 1}}
		w.Status.ConsoleURL = "https://console.example.com"
		change(w)
		return w
	}
	before := workspace(func(*v1alpha1.Workspace) {})
	for name, test := range map[string]struct {
		after *v1alpha1.Workspace
		want  bool
	}{
		"a label":       {workspace(func(w *v1alpha1.Workspace) { w.Labels = map[string]string{"a": "b"} }), false},
		"the spec":      {workspace(func(w *v1alpha1.Workspace) { w.Generation++ }), true},
		"the status":    {workspace(func(w *v1alpha1.Workspace) { w.Status.ConsoleURL = "" }), true},
		"only a report": {workspace(func(w *v1alpha1.Workspace) { w.Status.Reported = &v1alpha1.Reported{Version: 1} }), false},
	} {
		if got := workspaceChanged(before, test.after); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A relist queues every Workspace, since changes made while a watch was down produce no event.
func TestController_ReconcilesAllWorkspacesAfterRelist(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	for _, id := range []string{"relisted-a", "relisted-b"} {
		env.provisioned(id)
	}
	env.awaitIdle()
	before := map[string]int{"relisted-a": env.reads.of("relisted-a"), "relisted-b": env.reads.of("relisted-b")}
	env.relisted <- struct{}{}
	eventually(t, func(context.Context) error {
		for id, n := range before {
			if env.reads.of(id) <= n {
				return errors.New(id + " was not reconciled")
			}
		}
		return nil
	})
}

func TestController_AppliesTierChangesToItsWorkspaces(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	create(t, env.admin, tier("shared-tier"))
	ids := []string{"tiered-1", "tiered-2", "tiered-3"}
	for _, id := range ids {
		w := env.workspace(id)
		w.Spec.Tier = "shared-tier"
		create(t, env.admin, w)
	}
	for _, id := range ids {
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
	for _, id := range ids {
		env.awaitQuotaStatus("flyte-" + id) // a concurrent status update would cause another get and patch
	}
	writes := env.requests.total()
	env.changeTier("shared-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Quota.Default.Pods = "77"
		spec.PodSecurity.Enforce = v1alpha1.PodSecurityRestricted
	})
	for _, id := range ids {
		eventually(t, func(context.Context) error {
			if pods := env.pods("flyte-" + id); pods != "77" {
				return fmt.Errorf("the quota of %s allows %s pods", id, pods)
			}
			level := env.namespace("flyte-" + id).Labels["pod-security.kubernetes.io/enforce"]
			if level != "restricted" {
				return fmt.Errorf("Pod Security of %s is %s", id, level)
			}
			return nil
		})
		env.reconcile(id)
	}
	if n := env.requests.total() - writes; n != 2*len(ids) {
		t.Errorf("%d writes for two objects in each of %d namespaces: %v", n, len(ids), env.requests.writes())
	}
}

// awaitQuotaStatus waits until kube-controller-manager has updated the status of the namespace's quota, and the cache shows it.
func (env *testEnv) awaitQuotaStatus(namespace string) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		var quota corev1.ResourceQuota
		err := env.mgr.GetCache().Get(ctx, client.ObjectKey{Namespace: namespace, Name: "workspace-quota"}, &quota)
		if err != nil {
			return err
		}
		live := quota.DeepCopy()
		if err := env.admin.Get(ctx, client.ObjectKeyFromObject(live), live); err != nil {
			return err
		}
		if !equality.Semantic.DeepEqual(live.Spec.Hard, live.Status.Hard) || live.ResourceVersion != quota.ResourceVersion {
			return fmt.Errorf("of %v, %v is counted; the cache shows %s of %s",
				live.Spec.Hard, live.Status.Hard, quota.ResourceVersion, live.ResourceVersion)
		}
		return nil
	})
}
