package k8s

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// drift is a change that somebody makes by hand to a part that is ours.
type drift struct {
	name   string
	object func(*desired.Plan) client.Object
	change func(client.Object)
	// replaces tells that only a new object can bring back what was.
	replaces bool
	// byReplacing tells that the API server lets nobody make this change to an object that is there.
	byReplacing bool
}

func childNamed(name string) func(*desired.Plan) client.Object {
	return func(p *desired.Plan) client.Object {
		children := desiredtest.Children(p)
		return children[slices.IndexFunc(children, func(o client.Object) bool { return o.GetName() == name })]
	}
}

func namespaceOf(p *desired.Plan) client.Object { return p.NamespaceObject() }

func on[T client.Object](change func(T)) func(client.Object) {
	return func(o client.Object) { change(o.(T)) }
}

func labelled(key, value string) func(client.Object) {
	return func(o client.Object) { o.SetLabels(with(o.GetLabels(), key, value)) }
}

func unlabelled(key string) func(client.Object) {
	return func(o client.Object) {
		labels := maps.Clone(o.GetLabels())
		delete(labels, key)
		o.SetLabels(labels)
	}
}

func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

func hard(change func(corev1.ResourceList)) func(client.Object) {
	return on(func(q *corev1.ResourceQuota) { change(q.Spec.Hard) })
}

func one() resource.Quantity { return resource.MustParse("1") }

// drifts are one for each part of each kind that we own.
func drifts() []drift {
	much := resource.MustParse("999")
	stranger := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "system:authenticated"}
	quota, limits, editor := childNamed("workspace-quota"), childNamed("workspace-limits"), childNamed("workspace-editor")
	isolation, config, identity := childNamed("workspace-isolation"), childNamed("workspace-config"), childNamed(desired.WorkloadServiceAccount)
	return []drift{
		{name: "weaker Pod Security", object: namespaceOf, change: labelled(v1alpha1.PodSecurityPrefix+"enforce", "privileged")},
		{name: "a Pod Security label added", object: namespaceOf, change: labelled(v1alpha1.PodSecurityPrefix+"enforce-version", "v1.20")},
		{name: "a Pod Security label removed", object: namespaceOf, change: unlabelled(v1alpha1.PodSecurityPrefix + "enforce")},
		{name: "a domain added", object: namespaceOf, change: labelled(v1alpha1.LabelDomain, "production")},
		{name: "a Namespace's manager removed", object: namespaceOf, change: unlabelled(v1alpha1.LabelManagedBy)},
		{name: "quota raised", object: quota, change: hard(func(h corev1.ResourceList) { h[corev1.ResourceRequestsCPU] = much })},
		{name: "quota key added", object: quota, change: hard(func(h corev1.ResourceList) { h["count/jobs.batch"] = one() })},
		{name: "quota key removed", object: quota, change: hard(func(h corev1.ResourceList) { delete(h, corev1.ResourceServicesNodePorts) })},
		{name: "quota's scope", object: quota, byReplacing: true, replaces: true, change: on(func(q *corev1.ResourceQuota) {
			q.Spec.Hard, q.Spec.Scopes = corev1.ResourceList{"pods": one()}, []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}
		})},
		{name: "quota's scope selector", object: quota, change: on(func(q *corev1.ResourceQuota) {
			q.Spec.Hard = corev1.ResourceList{"pods": one()}
			q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
				{ScopeName: corev1.ResourceQuotaScopeBestEffort, Operator: corev1.ScopeSelectorOpExists},
			}}
		})},
		{name: "limits raised", object: limits, change: on(func(l *corev1.LimitRange) { l.Spec.Limits[0].Max["cpu"] = much })},
		{name: "limits added", object: limits, change: on(func(l *corev1.LimitRange) {
			l.Spec.Limits = append(l.Spec.Limits, corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: corev1.ResourceList{"cpu": one()}})
		})},
		{name: "limits emptied", object: limits, change: on(func(l *corev1.LimitRange) { l.Spec.Limits = []corev1.LimitRangeItem{} })},
		{name: "a subject added", object: editor, change: on(func(b *rbacv1.RoleBinding) { b.Subjects = append(b.Subjects, stranger) })},
		{name: "a subject removed", object: editor, change: on(func(b *rbacv1.RoleBinding) { b.Subjects = b.Subjects[1:] })},
		{name: "all subjects removed", object: editor, change: on(func(b *rbacv1.RoleBinding) { b.Subjects = nil })},
		{name: "another role", object: editor, byReplacing: true, replaces: true, change: on(func(b *rbacv1.RoleBinding) {
			b.RoleRef.Name = "cluster-admin"
		})},
		{name: "another role, out of our sight", object: editor, byReplacing: true, replaces: true, change: on(func(b *rbacv1.RoleBinding) {
			b.RoleRef.Name, b.Labels = "cluster-admin", nil
		})},
		{name: "all ingress allowed", object: isolation, change: on(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
		})},
		{name: "all egress allowed", object: isolation, change: on(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
		})},
		{name: "fewer policy types", object: isolation, change: on(func(n *networkingv1.NetworkPolicy) {
			n.Spec.PolicyTypes = n.Spec.PolicyTypes[:1]
		})},
		{name: "fewer pods selected", object: isolation, change: on(func(n *networkingv1.NetworkPolicy) {
			n.Spec.PodSelector.MatchLabels = map[string]string{"a": "b"}
		})},
		{name: "an exception removed", object: isolation, change: on(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Egress[len(n.Spec.Egress)-1].To[0].IPBlock.Except = nil
		})},
		{name: "another port", object: isolation, change: on(func(n *networkingv1.NetworkPolicy) {
			n.Spec.Egress[1].Ports[0].EndPort = new(int32(6000))
		})},
		{name: "data changed", object: config, change: on(func(c *corev1.ConfigMap) { c.Data["project"] = "other" })},
		{name: "data added", object: config, change: on(func(c *corev1.ConfigMap) { c.Data["more"] = "" })},
		{name: "all data removed", object: config, change: on(func(c *corev1.ConfigMap) { c.Data = nil })},
		{name: "binary data added", object: config, change: on(func(c *corev1.ConfigMap) { c.BinaryData = map[string][]byte{"more": {0}} })},
		{name: "made immutable", object: config, replaces: true, change: on(func(c *corev1.ConfigMap) {
			c.Data["project"], c.Immutable = "other", new(true)
		})},
		{name: "a child's manager removed", object: identity, change: unlabelled(v1alpha1.LabelManagedBy)},
		{name: "a child's workspace changed", object: identity, change: labelled(v1alpha1.LabelWorkspace, "other")},
		{name: "a drift that claims our digest", object: config, change: func(o client.Object) {
			o.SetAnnotations(with(o.GetAnnotations(), "digest", hash(o)))
			o.(*corev1.ConfigMap).Data["project"] = "other"
		}},
	}
}

func TestHash_ChangesWithEachPartThatIsOurs(t *testing.T) {
	for _, test := range drifts() {
		t.Run(test.name, func(t *testing.T) {
			want := test.object(desiredtest.Plan("flyte-ws-001"))
			have := want.DeepCopyObject().(client.Object)
			test.change(have)
			if hash(have) == hash(want) {
				t.Error("the hash has not changed")
			}
		})
	}
}

func TestHash_LeavesOutWhatIsForeign(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	for _, want := range desiredtest.Objects(p) {
		have := want.DeepCopyObject().(client.Object)
		makeForeign(have)
		have.SetResourceVersion("7")
		have.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl"}})
		if quota, ok := have.(*corev1.ResourceQuota); ok {
			quota.Status.Used = corev1.ResourceList{"pods": one()}
		}
		if hash(have) != hash(want) {
			t.Errorf("%s: the hash has changed", describe(want))
		}
	}
}

func makeForeign(o client.Object) {
	o.SetLabels(with(o.GetLabels(), "example.com/theirs", "a"))
	o.SetAnnotations(with(o.GetAnnotations(), "example.com/theirs", "b"))
}

// What the API server fills in must not look like drift: it would be written for ever.
func TestHash_IsTheSameAfterTheAPIServersDefaults(t *testing.T) {
	k := newKube(t)
	quantities := []v1alpha1.Quantity{"0", "0.5", "500m", "1.5Gi", "1024Ki", "1000", "1000k", "0.001m", "999999999.999Pi", "012"}
	changes := desiredtest.Variants()
	for i, q := range quantities {
		changes[fmt.Sprintf("quantity-%d", i)] = func(p *desired.Plan) {
			p.Tier.Spec.Quota.Maximum = v1alpha1.TierAmounts{}
			p.Workspace.Spec.Quota = v1alpha1.Quota{CPU: q, Memory: q, Storage: q, GPU: "007", Pods: "0010"}
			p.Tier.Spec.LimitRange = v1alpha1.LimitRange{Max: v1alpha1.ComputeResources{CPU: q}, Default: v1alpha1.ComputeResources{Memory: q}}
		}
	}
	changes["only-minimum"] = func(p *desired.Plan) {
		p.Tier.Spec.LimitRange = v1alpha1.LimitRange{Min: v1alpha1.ComputeResources{CPU: "10m", Memory: "1Mi"}}
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			p := desiredtest.Plan("digest-" + name)
			change(p)
			for _, want := range desiredtest.Objects(p) {
				have := want.DeepCopyObject().(client.Object)
				must(t, k.admin.Create(t.Context(), have))
				must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(want), have))
				if diff := cmp.Diff(ownedFields(want), ownedFields(have)); hash(have) != hash(want) {
					t.Errorf("%s: %s", describe(want), diff)
				}
			}
		})
	}
}

// Nobody can forge the hash of a cached object, since the API server accepts no such generateName.
func TestHash_CanNotBeForged(t *testing.T) {
	k := newKube(t)
	for _, prefix := range []string{hashPrefix, ownHashPrefix} {
		forged := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "forged", GenerateName: prefix + "x"}}
		if err := k.admin.Create(t.Context(), forged); err == nil {
			t.Errorf("the API server accepts the generateName %q", forged.GenerateName)
		}
	}
}

func TestCache_KeepsNoMoreThanIdentityAndHash(t *testing.T) {
	k, p := newKube(t), desiredtest.Plan("slim")
	for _, want := range desiredtest.Objects(p) {
		must(t, k.client.Create(t.Context(), want.DeepCopyObject().(client.Object)))
		live, cached, thin := newOfKind(want), newOfKind(want), newOfKind(want)
		must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
		eventually(t, func(ctx context.Context) error {
			err := k.client.Get(ctx, client.ObjectKeyFromObject(want), cached)
			if err == nil && cached.GetResourceVersion() != live.GetResourceVersion() {
				must(t, k.admin.Get(ctx, client.ObjectKeyFromObject(want), live)) // controllers write status
				err = errNotYet
			}
			return err
		})
		cached.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{}) // the cache's reader fills it in
		thin.SetName(live.GetName())
		thin.SetNamespace(live.GetNamespace())
		thin.SetUID(live.GetUID())
		thin.SetResourceVersion(live.GetResourceVersion())
		thin.SetGenerateName(hashPrefix + hash(want))
		if live.GetNamespace() == "" {
			thin.SetLabels(map[string]string{v1alpha1.LabelWorkspace: "ws-001"})
		}
		if diff := cmp.Diff(thin, cached); diff != "" {
			t.Error(diff)
		}
	}
}

func TestChanged_TellsWhatMatters(t *testing.T) {
	base := func() client.Object {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			UID: "1", ResourceVersion: "1", GenerateName: hashPrefix + "a",
		}}
	}
	tests := []struct {
		name   string
		change func(client.Object)
		want   bool
	}{
		{"nothing", func(client.Object) {}, false},
		{"resourceVersion", func(o client.Object) { o.SetResourceVersion("2") }, false},
		{"hash", func(o client.Object) { o.SetGenerateName(hashPrefix + "b") }, true},
		{"only who wrote it", func(o client.Object) { o.SetGenerateName(ownHashPrefix + "a") }, false},
		{"deletion", func(o client.Object) { o.SetDeletionTimestamp(new(metav1.Now())) }, true},
		{"another object of that name", func(o client.Object) { o.SetUID("2") }, true},
	}
	for _, test := range tests {
		after := base()
		test.change(after)
		if got := Changed(base(), after); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
