package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// childKinds are the kinds of a workspace's objects in its namespaces.
var childKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "LimitRange"},
	{Version: "v1", Kind: "PodTemplate"},
	{Version: "v1", Kind: "ResourceQuota"},
	{Version: "v1", Kind: "ServiceAccount"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
}

// childrenOfActive are the objects in a namespace of testEnv.workspace.
var childrenOfActive = []string{
	"ConfigMap/workspace-config",
	"LimitRange/workspace-limits",
	"NetworkPolicy/workspace-isolation",
	"ResourceQuota/workspace-quota",
	"RoleBinding/workspace-admin",
	"RoleBinding/workspace-editor",
	"ServiceAccount/flyte-workload",
}

// children are all objects in a namespace by "Kind/name", without those that Kubernetes creates in each.
func (env *testEnv) children(namespace string) map[string]*unstructured.Unstructured {
	env.t.Helper()
	found := map[string]*unstructured.Unstructured{}
	for _, kind := range childKinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		must(env.t, env.admin.List(env.t.Context(), list, client.InNamespace(namespace)))
		for i := range list.Items {
			if name := list.Items[i].GetName(); name != "kube-root-ca.crt" && name != "default" {
				found[kind.Kind+"/"+name] = &list.Items[i]
			}
		}
	}
	return found
}

func (env *testEnv) childNames(namespace string) []string {
	env.t.Helper()
	var names []string
	for name := range env.children(namespace) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// object reads "Kind/name", or "Namespace", from the API server.
func (env *testEnv) object(namespace, name string) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	kind, id, _ := strings.Cut(name, "/")
	if kind == "Namespace" {
		o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
		return o, env.admin.Get(env.t.Context(), client.ObjectKey{Name: namespace}, o)
	}
	for _, known := range append(childKinds, widgets, gadgets) {
		if known.Kind == kind {
			o.SetGroupVersionKind(known)
		}
	}
	return o, env.admin.Get(env.t.Context(), client.ObjectKey{Namespace: namespace, Name: id}, o)
}

// content is an object without status and server-set metadata.
func content(o *unstructured.Unstructured) map[string]any {
	c := o.DeepCopy()
	meta := map[string]any{"labels": c.GetLabels(), "annotations": c.GetAnnotations()}
	delete(c.Object, "status")
	c.Object["metadata"] = meta
	return c.Object
}

// resourceVersions change with any write to a child.
func (env *testEnv) resourceVersions(namespace string) map[string]string {
	env.t.Helper()
	versions := map[string]string{}
	for name, o := range env.children(namespace) {
		if o.GetKind() != "ResourceQuota" { // kube-controller-manager writes its status
			versions[name] = o.GetResourceVersion()
		}
	}
	return versions
}

func (env *testEnv) namespace(name string) *corev1.Namespace {
	env.t.Helper()
	var namespace corev1.Namespace
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Name: name}, &namespace))
	return &namespace
}

// foreignNamespace is a namespace of another owner.
func foreignNamespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "another"}}}
}

// wantUnchanged checks that the Namespace was not written and that no object was created in it.
func (env *testEnv) wantUnchanged(before *corev1.Namespace) {
	env.t.Helper()
	if diff := cmp.Diff(before, env.namespace(before.Name)); diff != "" {
		env.t.Errorf("the Namespace was written (-before +after):\n%s", diff)
	}
	if names := env.childNames(before.Name); len(names) > 0 {
		env.t.Errorf("objects were created in it: %v", names)
	}
}

// deleteNamespace returns when it is gone.
func (env *testEnv) deleteNamespace(name string) {
	env.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	must(env.t, env.admin.Delete(env.t.Context(), namespace))
	eventually(env.t, func(ctx context.Context) error {
		err := env.admin.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)
		if err == nil {
			return fmt.Errorf("the namespace %s is still there", name)
		}
		return client.IgnoreNotFound(err)
	})
}

// awaitDeleted waits until the API server no longer has an object.
func (env *testEnv) awaitDeleted(o client.Object) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		err := env.admin.Get(ctx, client.ObjectKeyFromObject(o), o)
		if err == nil {
			return fmt.Errorf("%s is still there", o.GetName())
		}
		return client.IgnoreNotFound(err)
	})
}

// blockDeletion keeps a namespace terminating, by an object with a finalizer, until unblock is called.
func (env *testEnv) blockDeletion(namespace string) (unblock func()) {
	env.t.Helper()
	blocker := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "finalizing", Namespace: namespace, Finalizers: []string{"team.company.com/finalizer"},
	}}
	create(env.t, env.admin, blocker)
	return func() {
		env.t.Helper()
		env.removeFinalizers(blocker)
	}
}

func (env *testEnv) removeFinalizers(o client.Object) {
	env.t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	must(env.t, env.admin.Patch(env.t.Context(), o, patch))
}

func (env *testEnv) workloadAccount(id string) *corev1.ServiceAccount {
	env.t.Helper()
	account := &corev1.ServiceAccount{}
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Namespace: "flyte-" + id, Name: "flyte-workload"}, account))
	return account
}

func (env *testEnv) pods(namespace string) string {
	env.t.Helper()
	var quota corev1.ResourceQuota
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Namespace: namespace, Name: "workspace-quota"}, &quota))
	pods := quota.Spec.Hard[corev1.ResourcePods]
	return pods.String()
}

// access are the subjects of all RoleBindings in a namespace, as "name: kind subject".
func (env *testEnv) access(namespace string) []string {
	env.t.Helper()
	var bindings rbacv1.RoleBindingList
	must(env.t, env.admin.List(env.t.Context(), &bindings, client.InNamespace(namespace)))
	var lines []string
	for _, b := range bindings.Items { // the API server lists by name
		for _, subject := range b.Subjects {
			lines = append(lines, b.Name+": "+subject.Kind+" "+subject.Name)
		}
	}
	return lines
}

var (
	fullAccess    = []string{"workspace-admin: User ana@company.com", "workspace-editor: Group ml-team"}
	reducedAccess = []string{"workspace-viewer: Group ml-team", "workspace-viewer: User ana@company.com"}
)

func (env *testEnv) wantAccess(namespace string, want []string) {
	env.t.Helper()
	if diff := cmp.Diff(want, env.access(namespace)); diff != "" {
		env.t.Errorf("access (-want +got):\n%s", diff)
	}
}
