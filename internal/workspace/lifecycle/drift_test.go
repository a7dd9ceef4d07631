package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// drift is one change by hand to one object of a workspace.
type drift struct {
	object, name string
	change       func(*unstructured.Unstructured)
}

// alterations are changes to what we own whole, beside those that every object can suffer.
var alterations = []drift{
	{"ConfigMap/workspace-config", "owned key altered", set("someone", "data", "owner")},
	{"ConfigMap/workspace-config", "key added", set("x", "data", "added")},
	{"ConfigMap/workspace-config", "key removed", remove("data", "tier")},
	{"ConfigMap/workspace-config", "binary data added", set("eA==", "binaryData", "added")},
	{"ConfigMap/workspace-config", "altered and made immutable", func(o *unstructured.Unstructured) {
		set("someone", "data", "owner")(o)
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

// driftOf are all changes by hand that are repaired, over all objects of a workspace.
func driftOf(children []string) []drift {
	all := slices.Clone(alterations)
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

// object reads what "Kind/name" or "Namespace" is now.
func (s *stage) object(namespace, name string) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	kind, id, _ := strings.Cut(name, "/")
	if kind == "Namespace" {
		o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
		return o, s.admin.Get(s.t.Context(), client.ObjectKey{Name: namespace}, o)
	}
	for _, known := range childKinds {
		if known.Kind == kind {
			o.SetGroupVersionKind(known)
		}
	}
	return o, s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: namespace, Name: id}, o)
}

// content is an object without what the API server keeps about it.
func content(o *unstructured.Unstructured) map[string]any {
	c := o.DeepCopy()
	meta := map[string]any{"labels": c.GetLabels(), "annotations": c.GetAnnotations()}
	delete(c.Object, "status")
	c.Object["metadata"] = meta
	return c.Object
}

// repaired returns how long it takes until the object is as it was before, and not the one of the resourceVersion.
func (s *stage) repaired(namespace string, before *unstructured.Unstructured, name, altered string) time.Duration {
	s.t.Helper()
	began := time.Now()
	eventually(s.t, func(context.Context) error {
		now, err := s.object(namespace, name)
		if err != nil {
			return err
		}
		if now.GetResourceVersion() == altered {
			return errors.New("nothing has changed it")
		}
		if diff := cmp.Diff(content(before), content(now)); diff != "" {
			return fmt.Errorf("it is not as it was (-want +got):\n%s", diff)
		}
		return nil
	})
	return time.Since(began)
}

func (s *stage) alter(namespace string, d drift) (before *unstructured.Unstructured, altered string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) (err error) { // whoever else writes it makes a conflict
		before, err = s.object(namespace, d.object)
		if err != nil {
			return err
		}
		changed := before.DeepCopy()
		d.change(changed)
		err = s.admin.Update(s.t.Context(), changed)
		altered = changed.GetResourceVersion()
		return err
	})
	return before, altered
}

func TestController_RepairsDrift(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("drift")
	const namespace = "flyte-drift"
	var times []time.Duration
	for _, d := range driftOf(childrenOfActive) {
		before, altered := s.alter(namespace, d)
		times = append(times, s.repaired(namespace, before, d.object, altered))
	}
	for _, object := range childrenOfActive {
		before, err := s.object(namespace, object)
		must(t, err)
		must(t, s.admin.Delete(t.Context(), before.DeepCopy()))
		times = append(times, s.repaired(namespace, before, object, before.GetResourceVersion()))
	}
	slices.Sort(times)
	t.Logf("%d changes by hand were repaired: median %s, p99 %s, at most %s", len(times),
		times[len(times)/2].Round(time.Millisecond), times[len(times)*99/100].Round(time.Millisecond),
		times[len(times)-1].Round(time.Millisecond))

	w := s.await("drift", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if changes := s.requests.writes()["PATCH workspaces/status"]; changes != 1 {
		t.Errorf("repairs wrote the status %d times, to %v", changes-1, w.Status)
	}
}

func TestController_ReplacesChangedRoleRef(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("roleref")
	before, err := s.object("flyte-roleref", "RoleBinding/workspace-editor")
	must(t, err)
	must(t, s.admin.Delete(t.Context(), before.DeepCopy()))
	// The controller may be faster: then its own goes as well.
	var other *unstructured.Unstructured
	eventually(t, func(context.Context) error {
		other = before.DeepCopy()
		other.SetResourceVersion("")
		other.SetUID("")
		set("workspace-flyte-integration-tenant-admin", "roleRef", "name")(other)
		err := s.admin.Create(t.Context(), other)
		if err != nil {
			_ = s.admin.Delete(t.Context(), before.DeepCopy())
		}
		return err
	})
	s.repaired("flyte-roleref", before, "RoleBinding/workspace-editor", other.GetResourceVersion())
}

func TestController_RemovesRoleBindingThatNobodyShouldHave(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("extra")
	extra := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{
			Name: "workspace-viewer", Namespace: "flyte-extra",
			Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "guests"}},
	}
	create(t, s.admin, extra)
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(childrenOfActive, s.childNames("flyte-extra")); diff != "" {
			return fmt.Errorf("objects (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestController_LeavesForeignAdditionsAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("foreign")
	const namespace = "flyte-foreign"
	writes := s.requests.total()
	stranger := func(o *unstructured.Unstructured) {
		setLabel("team.company.com/cost", "42")(o)
		o.SetAnnotations(map[string]string{"team.company.com/note": "ours"})
	}
	for _, object := range append([]string{"Namespace"}, childrenOfActive...) {
		s.alter(namespace, drift{object: object, change: stranger})
	}
	for _, object := range foreignObjects(namespace) {
		create(t, s.admin, object)
	}
	s.reconcile("foreign")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes because of what others added: %v", n, s.requests.writes())
	}

	// A repair beside them keeps them.
	for _, d := range alterations {
		before, altered := s.alter(namespace, d)
		if d.name == "altered and made immutable" {
			before.SetAnnotations(nil) // it has to be made anew
			dropLabel("team.company.com/cost")(before)
		}
		s.repaired(namespace, before, d.object, altered)
	}
	names := s.childNames(namespace)
	for _, kind := range childKinds {
		if !slices.Contains(names, kind.Kind+"/theirs") {
			t.Errorf("the %s of someone else is gone", kind.Kind)
		}
	}
}

func theirTemplate(theirs metav1.ObjectMeta) *corev1.PodTemplate {
	template := &corev1.PodTemplate{ObjectMeta: theirs}
	template.Template.Spec.Containers = []corev1.Container{{Name: "theirs", Image: "theirs"}}
	return template
}

// foreignObjects has one object of each kind that a workspace has, made by someone else.
func foreignObjects(namespace string) []client.Object {
	theirs := metav1.ObjectMeta{Name: "theirs", Namespace: namespace}
	return []client.Object{
		&corev1.ConfigMap{ObjectMeta: theirs}, &corev1.LimitRange{ObjectMeta: theirs}, &corev1.ResourceQuota{ObjectMeta: theirs},
		&corev1.ServiceAccount{ObjectMeta: theirs}, theirTemplate(theirs), &networkingv1.NetworkPolicy{ObjectMeta: theirs},
		&rbacv1.RoleBinding{ObjectMeta: theirs, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}},
	}
}
