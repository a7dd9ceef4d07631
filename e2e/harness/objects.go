package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Get reads an object that must exist.
func Get[T client.Object](t testing.TB, e *Env, o T, namespace, name string) T {
	t.Helper()
	Must(t, e.Admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o))
	return o
}

// CreateNamespace creates a namespace as another client would.
func (e *Env) CreateNamespace(t testing.TB, name string) *corev1.Namespace {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	Must(t, e.Admin.Create(t.Context(), namespace))
	return namespace
}

// DeleteNamespace deletes a namespace as an administrator would, and waits until it is gone.
func (e *Env) DeleteNamespace(t testing.TB, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	Must(t, e.Admin.Delete(t.Context(), namespace))
	Eventually(t, name+" to be gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(e.Admin.Get(ctx, Key(name), namespace))
	})
}

// Tier creates a tier with the spec of the default tier, changed by edit.
func (e *Env) Tier(t testing.TB, name string, edit func(*v1alpha1.WorkspaceTierSpec)) *v1alpha1.WorkspaceTier {
	t.Helper()
	tier := Get(t, e, &v1alpha1.WorkspaceTier{}, "", v1alpha1.DefaultTier)
	tier.ObjectMeta = metav1.ObjectMeta{Name: name}
	edit(&tier.Spec)
	Must(t, e.Admin.Create(t.Context(), tier))
	return tier
}

// OwnQueue gives the workspaces of a tier a queue of their own.
func OwnQueue(spec *v1alpha1.WorkspaceTierSpec) {
	spec.LimitRange.MaxLimitRequestRatio = v1alpha1.ComputeResources{CPU: "4", Memory: "4"}
	spec.Queue = &v1alpha1.TierQueue{Mode: v1alpha1.QueueOwn}
}

// ChangeTier changes a tier as the platform team does.
func (e *Env) ChangeTier(t testing.TB, name string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	t.Helper()
	tier := Get(t, e, &v1alpha1.WorkspaceTier{}, "", name)
	before := tier.DeepCopy()
	edit(&tier.Spec)
	Must(t, e.Admin.Patch(t.Context(), tier, client.MergeFrom(before)))
}

// Kinds are the kinds of the objects that the service creates in a namespace.
func Kinds() []client.Object {
	return []client.Object{
		&corev1.ConfigMap{}, &corev1.LimitRange{}, &corev1.PodTemplate{}, &corev1.ResourceQuota{}, &corev1.ServiceAccount{},
		&networkingv1.NetworkPolicy{}, &rbacv1.RoleBinding{},
	}
}

// Children are the objects in a namespace that carry the service's label, without their specs.
func (e *Env) Children(t testing.TB, namespace string) (objects []client.Object) {
	t.Helper()
	for _, kind := range Kinds() {
		gvk, err := e.Admin.GroupVersionKindFor(kind)
		Must(t, err)
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk)
		owned := client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
		Must(t, e.Admin.List(t.Context(), list, client.InNamespace(namespace), owned))
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(gvk)
			objects = append(objects, &list.Items[i])
		}
	}
	return objects
}

// RemoveLabels removes all labels from the service's objects in a namespace, and waits until they are back on the same objects.
func (e *Env) RemoveLabels(t testing.TB, namespace string) {
	t.Helper()
	objects := e.Children(t, namespace)
	for _, o := range objects {
		without := o.DeepCopyObject().(client.Object)
		without.SetLabels(nil)
		Must(t, e.Admin.Patch(t.Context(), without, client.MergeFrom(o)))
	}
	for _, o := range objects {
		Eventually(t, "the labels of "+o.GetName(), func(ctx context.Context) bool {
			now := &metav1.PartialObjectMetadata{}
			now.SetGroupVersionKind(o.GetObjectKind().GroupVersionKind())
			err := e.Admin.Get(ctx, client.ObjectKeyFromObject(o), now)
			return err == nil && now.UID == o.GetUID() && now.Labels[v1alpha1.LabelWorkspace] != ""
		})
	}
}

// Project finds a project of Flyte.
func (e *Env) Project(id string) (flytetest.Project, bool) {
	projects := e.Flyte.Projects()
	i := slices.IndexFunc(projects, func(p flytetest.Project) bool { return p.ID == id })
	if i < 0 {
		return flytetest.Project{}, false
	}
	return projects[i], true
}

// As is a client of a signed-in user.
func (e *Env) As(t testing.TB, user string, groups ...string) client.Client {
	t.Helper()
	cfg := e.Cluster.Config()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	c, err := client.New(cfg, client.Options{Scheme: e.Admin.Scheme()})
	Must(t, err)
	return c
}

// AsAccount is a client of a ServiceAccount.
func (e *Env) AsAccount(t testing.TB, namespace, name string) client.Client {
	t.Helper()
	return e.As(t, "system:serviceaccount:"+namespace+":"+name, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
}

// Snapshot is everything that exists of a workspace, with its project, for the comparison with another workspace.
func (e *Env) Snapshot(t testing.TB, id string) map[string]string {
	t.Helper()
	all := clustertest.Snapshot(t, e.Admin, id)
	if project, ok := e.Project(id); ok {
		all["project"] = strings.ReplaceAll(fmt.Sprintf("%#v", project), id, "ID")
	}
	return all
}
