package k8s

import (
	"context"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// drift is a change by another client to a field that we own.
type drift struct {
	name   string
	object func(*desired.Plan) client.Object
	change func(client.Object)
	// recreates: the repair must delete the object and create it again.
	recreates bool
	// immutable: the API server refuses this change as an update.
	immutable bool
}

// drifts has one drift for each field of each kind that we own.
func drifts() []drift {
	large := resource.MustParse("999")
	foreignSubject := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "system:authenticated"}
	quota, limits, editor := child("workspace-quota"), child("workspace-limits"), child("workspace-editor")
	isolation, config, identity := child("workspace-isolation"), child("workspace-config"), child(desired.WorkloadServiceAccount)
	return []drift{
		{name: "weaker Pod Security", object: namespaceObject, change: setLabel(v1alpha1.PodSecurityPrefix+"enforce", "privileged")},
		{name: "a Pod Security label added", object: namespaceObject, change: setLabel(v1alpha1.PodSecurityPrefix+"enforce-version", "v1.20")},
		{name: "a Pod Security label removed", object: namespaceObject, change: removeLabel(v1alpha1.PodSecurityPrefix + "enforce")},
		{name: "a domain added", object: namespaceObject, change: setLabel(v1alpha1.LabelDomain, "production")},
		{name: "a Namespace's manager removed", object: namespaceObject, change: removeLabel(v1alpha1.LabelManagedBy)},
		{name: "quota raised", object: quota, change: editHard(func(h corev1.ResourceList) { h[corev1.ResourceRequestsCPU] = large })},
		{name: "quota key added", object: quota, change: editHard(func(h corev1.ResourceList) { h["count/jobs.batch"] = one() })},
		{name: "quota key removed", object: quota, change: editHard(func(h corev1.ResourceList) { delete(h, corev1.ResourceServicesNodePorts) })},
		{name: "quota's scope", object: quota, immutable: true, recreates: true, change: edit(func(q *corev1.ResourceQuota) {
			q.Spec.Hard, q.Spec.Scopes = corev1.ResourceList{"pods": one()}, []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}
		})},
		{name: "quota's scope selector", object: quota, change: edit(func(q *corev1.ResourceQuota) {
			q.Spec.Hard = corev1.ResourceList{"pods": one()}
			q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
				{ScopeName: corev1.ResourceQuotaScopeBestEffort, Operator: corev1.ScopeSelectorOpExists},
			}}
		})},
		{name: "limits raised", object: limits, change: edit(func(l *corev1.LimitRange) { l.Spec.Limits[0].Max["cpu"] = large })},
		{name: "limits added", object: limits, change: edit(func(l *corev1.LimitRange) {
			l.Spec.Limits = append(l.Spec.Limits, corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: corev1.ResourceList{"cpu": one()}})
		})},
		{name: "limits emptied", object: limits, change: edit(func(l *corev1.LimitRange) { l.Spec.Limits = []corev1.LimitRangeItem{} })},
		{name: "a subject added", object: editor, change: edit(func(b *rbacv1.RoleBinding) { b.Subjects = append(b.Subjects, foreignSubject) })},
		{name: "a subject removed", object: editor, change: edit(func(b *rbacv1.RoleBinding) { b.Subjects = b.Subjects[1:] })},
		{name: "all subjects removed", object: editor, change: edit(func(b *rbacv1.RoleBinding) { b.Subjects = nil })},
		{name: "another role", object: editor, immutable: true, recreates: true, change: edit(func(b *rbacv1.RoleBinding) {
			b.RoleRef.Name = "cluster-admin"
		})},
		{name: "another role, without our labels", object: editor, immutable: true, recreates: true, change: edit(func(b *rbacv1.RoleBinding) {
			b.RoleRef.Name, b.Labels = "cluster-admin", nil
		})},
		{name: "all ingress allowed", object: isolation, change: edit(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
		})},
		{name: "all egress allowed", object: isolation, change: edit(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
		})},
		{name: "fewer policy types", object: isolation, change: edit(func(n *networkingv1.NetworkPolicy) {
			n.Spec.PolicyTypes = n.Spec.PolicyTypes[:1]
		})},
		{name: "fewer pods selected", object: isolation, change: edit(func(n *networkingv1.NetworkPolicy) {
			n.Spec.PodSelector.MatchLabels = map[string]string{"a": "b"}
		})},
		{name: "an exception removed", object: isolation, change: edit(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Egress[len(n.Spec.Egress)-1].To[0].IPBlock.Except = nil
		})},
		{name: "another port", object: isolation, change: edit(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Egress[1].Ports[0].EndPort = new(int32(6000))
		})},
		{name: "data changed", object: config, change: edit(func(c *corev1.ConfigMap) { c.Data["project"] = "other" })},
		{name: "data added", object: config, change: edit(func(c *corev1.ConfigMap) { c.Data["more"] = "" })},
		{name: "all data removed", object: config, change: edit(func(c *corev1.ConfigMap) { c.Data = nil })},
		{name: "binary data added", object: config, change: edit(func(c *corev1.ConfigMap) { c.BinaryData = map[string][]byte{"more": {0}} })},
		{name: "made immutable", object: config, recreates: true, change: edit(func(c *corev1.ConfigMap) {
			c.Data["project"], c.Immutable = "other", new(true)
		})},
		{name: "a child's manager removed", object: identity, change: removeLabel(v1alpha1.LabelManagedBy)},
		{name: "a child's workspace changed", object: identity, change: setLabel(v1alpha1.LabelWorkspace, "other")},
		{name: "a drift with a hash annotation", object: config, change: func(o client.Object) {
			o.SetAnnotations(withEntry(o.GetAnnotations(), "hash", hash(o)))
			o.(*corev1.ConfigMap).Data["project"] = "other"
		}},
	}
}

func driftNamed(name string) drift {
	for _, d := range drifts() {
		if d.name == name {
			return d
		}
	}
	panic("no such drift: " + name)
}

func child(name string) func(*desired.Plan) client.Object {
	return func(p *desired.Plan) client.Object {
		children := desiredtest.Children(p)
		return children[slices.IndexFunc(children, func(o client.Object) bool { return o.GetName() == name })]
	}
}

func namespaceObject(p *desired.Plan) client.Object { return p.NamespaceObject() }

func edit[T client.Object](change func(T)) func(client.Object) {
	return func(o client.Object) { change(o.(T)) }
}

func setLabel(key, value string) func(client.Object) {
	return func(o client.Object) { o.SetLabels(withEntry(o.GetLabels(), key, value)) }
}

func removeLabel(key string) func(client.Object) {
	return func(o client.Object) {
		labels := maps.Clone(o.GetLabels())
		delete(labels, key)
		o.SetLabels(labels)
	}
}

func withEntry(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

func editHard(change func(corev1.ResourceList)) func(client.Object) {
	return edit(func(q *corev1.ResourceQuota) { change(q.Spec.Hard) })
}

func one() resource.Quantity { return resource.MustParse("1") }

func addForeignMetadata(o client.Object) {
	o.SetLabels(withEntry(o.GetLabels(), "example.com/foreign", "a"))
	o.SetAnnotations(withEntry(o.GetAnnotations(), "example.com/foreign", "b"))
}

const finalizer = "example.com/finalizer"

// updateAndSync changes a live object as another client, and waits until the cache shows the change.
func updateAndSync(t *testing.T, env *testEnv, o client.Object, change func(client.Object)) client.Object {
	t.Helper()
	live := newOfKind(o)
	eventually(t, func(ctx context.Context) error { // a controller's status update may conflict
		must(t, env.Admin.Get(ctx, client.ObjectKeyFromObject(o), live))
		change(live)
		return env.Admin.Update(ctx, live)
	})
	waitForCache(t, env, live)
	return live
}

func updateLive(t *testing.T, env *testEnv, o client.Object, change func(client.Object)) {
	t.Helper()
	live := newOfKind(o)
	must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(o), live))
	change(live)
	must(t, env.Admin.Update(t.Context(), live))
}

// recreateAndSync changes an immutable field as another client: it deletes the object and creates a changed one.
func recreateAndSync(t *testing.T, env *testEnv, o client.Object, change func(client.Object)) client.Object {
	t.Helper()
	must(t, env.Admin.Delete(t.Context(), o.DeepCopyObject().(client.Object)))
	changed := o.DeepCopyObject().(client.Object)
	change(changed)
	must(t, env.Admin.Create(t.Context(), changed))
	waitForCache(t, env, changed)
	return changed
}

// waitForCache waits until the cache shows o, or no longer shows it because it lost our label.
func waitForCache(t *testing.T, env *testEnv, o client.Object) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		cached := newOfKind(o)
		err := env.Cache.Get(ctx, client.ObjectKeyFromObject(o), cached)
		switch {
		case apierrors.IsNotFound(err) && o.GetLabels()[v1alpha1.LabelManagedBy] == "":
			return nil
		case err == nil && (cached.GetUID() != o.GetUID() || cachedHash(cached) != hash(o)):
			return errNotYet
		}
		return err
	})
}
