package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// drift is a change by another client to one object of a workspace.
type drift struct {
	object, name string
	change       func(*unstructured.Unstructured)
}

// ownedDrifts are changes to the fields that we own of each kind.
var ownedDrifts = []drift{
	{"ConfigMap/workspace-config", "owned key altered", set("eve@company.com", "data", "owner")},
	{"ConfigMap/workspace-config", "key added", set("x", "data", "added")},
	{"ConfigMap/workspace-config", "key removed", remove("data", "tier")},
	{"ConfigMap/workspace-config", "binary data added", set("eA==", "binaryData", "added")},
	{"ConfigMap/workspace-config", "altered and made immutable", func(o *unstructured.Unstructured) {
		set("eve@company.com", "data", "owner")(o)
		set(true, "immutable")(o)
	}},
	{"LimitRange/workspace-limits", "limit of pods added", func(o *unstructured.Unstructured) {
		limits, _, _ := unstructured.NestedSlice(o.Object, "spec", "limits")
		set(append(limits, map[string]any{"type": "Pod", "max": map[string]any{"cpu": "1"}}), "spec", "limits")(o)
	}},
	{"LimitRange/workspace-limits", "limits removed", set([]any{}, "spec", "limits")},
	{"LimitRange/workspace-limits", "default raised", set([]any{map[string]any{
		"type": "Container", "default": map[string]any{"cpu": "64", "memory": "1Ti"},
	}}, "spec", "limits")},
	{"ResourceQuota/workspace-quota", "amount raised", set("9999", "spec", "hard", "requests.cpu")},
	{"ResourceQuota/workspace-quota", "key added", set("1", "spec", "hard", "count/jobs.batch")},
	{"ResourceQuota/workspace-quota", "key removed", remove("spec", "hard", "services.loadbalancers")},
	{"NetworkPolicy/workspace-isolation", "ingress from everywhere added", set([]any{map[string]any{}}, "spec", "ingress")},
	{"NetworkPolicy/workspace-isolation", "direction removed", set([]any{"Egress"}, "spec", "policyTypes")},
	{"NetworkPolicy/workspace-isolation", "narrowed to some pods", set("x", "spec", "podSelector", "matchLabels", "app")},
	{"NetworkPolicy/workspace-isolation", "egress to everywhere added", set([]any{map[string]any{}}, "spec", "egress")},
	{"NetworkPolicy/workspace-isolation", "ingress from all namespaces", set([]any{map[string]any{
		"from": []any{map[string]any{"namespaceSelector": map[string]any{}}},
	}}, "spec", "ingress")},
	{"NetworkPolicy/workspace-isolation", "other ports", set([]any{map[string]any{
		"ports": []any{map[string]any{"protocol": "TCP", "port": int64(443)}},
	}}, "spec", "egress")},
	{"NetworkPolicy/workspace-isolation", "exceptions removed", set([]any{map[string]any{
		"to": []any{map[string]any{"ipBlock": map[string]any{"cidr": "0.0.0.0/0"}}},
	}}, "spec", "egress")},
	{"RoleBinding/workspace-admin", "subject added", func(o *unstructured.Unstructured) {
		subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
		set(append(subjects, map[string]any{
			"apiGroup": rbacv1.GroupName, "kind": "Group", "name": "system:unauthenticated",
		}), "subjects")(o)
	}},
	{"RoleBinding/workspace-editor", "subjects removed", remove("subjects")},
	{"RoleBinding/workspace-editor", "subjects replaced", set([]any{map[string]any{
		"apiGroup": rbacv1.GroupName, "kind": "User", "name": "eve@company.com",
	}}, "subjects")},
	{"Namespace", "Pod Security weakened", setLabel("pod-security.kubernetes.io/enforce", "privileged")},
	{"Namespace", "Pod Security version added", setLabel("pod-security.kubernetes.io/enforce-version", "v1.20")},
	{"Namespace", "Pod Security removed", dropLabel("pod-security.kubernetes.io/warn")},
	{"Namespace", "audit weakened", setLabel("pod-security.kubernetes.io/audit", "privileged")},
	{"Namespace", "a domain added", setLabel(v1alpha1.LabelDomain, "production")},
	{"Namespace", "managed-by removed", dropLabel(v1alpha1.LabelManagedBy)},
}

func set(value any, path ...string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
			panic(err)
		}
	}
}

func remove(path ...string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { unstructured.RemoveNestedField(o.Object, path...) }
}

func setLabel(key, value string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		labels := o.GetLabels()
		labels[key] = value
		o.SetLabels(labels)
	}
}

func dropLabel(key string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		labels := o.GetLabels()
		delete(labels, key)
		o.SetLabels(labels)
	}
}

// allDrifts are ownedDrifts and changes to the labels of each child.
func allDrifts(children []string) []drift {
	all := slices.Clone(ownedDrifts)
	for _, object := range children {
		all = append(all,
			drift{object, "managed-by removed", dropLabel(v1alpha1.LabelManagedBy)},
			drift{object, "workspace label altered", setLabel(v1alpha1.LabelWorkspace, "another")},
			drift{object, "workspace label removed", dropLabel(v1alpha1.LabelWorkspace)},
			drift{object, "all labels removed", func(o *unstructured.Unstructured) { o.SetLabels(nil) }},
		)
	}
	return all
}

func (env *testEnv) applyDrift(namespace string, d drift) (before *unstructured.Unstructured, drifted string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) (err error) { // a write by a controller causes a conflict
		before, err = env.object(namespace, d.object)
		if err != nil {
			return err
		}
		changed := before.DeepCopy()
		d.change(changed)
		err = env.admin.Update(env.t.Context(), changed)
		drifted = changed.GetResourceVersion()
		return err
	})
	return before, drifted
}

// awaitRepaired waits until the object has its former content and no longer the resourceVersion drifted, and returns how long
// that took.
func (env *testEnv) awaitRepaired(namespace string, before *unstructured.Unstructured, name, drifted string) time.Duration {
	env.t.Helper()
	began := time.Now()
	eventually(env.t, func(context.Context) error {
		now, err := env.object(namespace, name)
		if err != nil {
			return err
		}
		if now.GetResourceVersion() == drifted {
			return errors.New("the object has not been written")
		}
		if diff := cmp.Diff(content(before), content(now)); diff != "" {
			return fmt.Errorf("the object is not repaired (-want +got):\n%s", diff)
		}
		return nil
	})
	return time.Since(began)
}

func setFinalizer(o *unstructured.Unstructured) {
	o.SetFinalizers([]string{"team.company.com/finalizer"})
}

// addFinalizer adds a foreign finalizer to an object.
func (env *testEnv) addFinalizer(namespace, name string) (removeFinalizers func()) {
	env.t.Helper()
	env.applyDrift(namespace, drift{object: name, change: setFinalizer})
	return func() {
		o, err := env.object(namespace, name)
		must(env.t, err)
		env.removeFinalizers(o)
	}
}

// deleteWithFinalizer deletes an object after adding a foreign finalizer to it.
func (env *testEnv) deleteWithFinalizer(namespace, name string) (removeFinalizers func()) {
	env.t.Helper()
	removeFinalizers = env.addFinalizer(namespace, name)
	o, err := env.object(namespace, name)
	must(env.t, err)
	must(env.t, env.admin.Delete(env.t.Context(), o))
	return removeFinalizers
}

func addSubject(o *unstructured.Unstructured) {
	subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
	eve := map[string]any{"apiGroup": rbacv1.GroupName, "kind": "User", "name": "eve@company.com"}
	set(append(subjects, eve), "subjects")(o)
}

func openIngress(o *unstructured.Unstructured) {
	set([]any{map[string]any{}}, "spec", "ingress")(o)
	set([]any{"Egress", "Ingress"}, "spec", "policyTypes")(o)
}

func (env *testEnv) networkPolicies(namespace string) []string {
	env.t.Helper()
	isNoPolicy := func(name string) bool { return !strings.HasPrefix(name, "NetworkPolicy/") }
	return slices.DeleteFunc(env.childNames(namespace), isNoPolicy)
}
