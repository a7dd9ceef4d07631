package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// policySuite has the expectations of a policy and its binding, also with the value that disables it.
func policySuite(suffix, enabled string) map[string]expectation {
	policy, binding := "ValidatingAdmissionPolicy …"+suffix, "ValidatingAdmissionPolicyBinding …"+suffix
	return map[string]expectation{
		"closed " + suffix: {nil, expect{
			policy + " .spec.failurePolicy": "Fail",
			binding + " .spec.policyName":   fullName + suffix, binding + " .spec.validationActions[*]": "Deny Audit",
		}, ""},
		"warning " + suffix: {set{"policies.actions": []any{"Warn", "Audit"}}, expect{binding + " .spec.validationActions[*]": "Warn Audit"}, ""},
		"off " + suffix:     {set{enabled: false}, expect{policy: absent, binding: absent}, ""},
		"elsewhere " + suffix: {set{"install": "service", "kubeconfig.existingSecret": "k"}, expect{
			policy: absent, binding: absent,
		}, ""},
	}
}

var servicePolicySuite = func() map[string]expectation {
	suite := map[string]expectation{
		// The service could create no namespace for such a tier: the chart refuses it.
		"a weaker tier": {
			set{"tiers.big.podSecurity.enforce": "privileged"},
			nil,
			"tiers.big.podSecurity.enforce is privileged, which policies.service.podSecurityLevels does not list",
		},
		"a weaker tier that may be": {set{
			"tiers.big.podSecurity.enforce": "privileged", "policies.service.podSecurityLevels": []any{"privileged", "baseline"},
		}, nil, ""},
		"the account": {set{"serviceAccount.name": "robot"}, expect{
			"ValidatingAdmissionPolicy …-objects .spec.matchConditions[*].expression": `request.userInfo.username == "system:serviceaccount:` +
				namespace + `:robot"`,
		}, ""},
	}
	for _, suffix := range []string{"-namespaces", "-objects", "-workspaces", "-events", "-leases"} {
		maps.Copy(suite, policySuite(suffix, "policies.service.enabled"))
	}
	return suite
}()

var tenantPolicySuite = func() map[string]expectation {
	const (
		podRules     = "ValidatingAdmissionPolicy …-tenant-pods .spec.validations[*].message"
		serviceRules = "ValidatingAdmissionPolicy …-tenant-services .spec.validations[*].reason"
		podTemplate  = "tiers.big.workload.podTemplate"
		tolerations  = podTemplate + ".tolerations"
		onlyVolumes  = "Pods in workspaces have volumes of these types only: nfs, csi " +
			"Pods in this workspace ask for no extended resources but those that its tier names"
	)
	suite := map[string]expectation{
		"tenants may do more": {set{
			"policies.tenants.allowNodeName": true, "policies.tenants.volumeTypes": []any{"nfs", "csi"},
			"policies.tenants.deniedTolerations": []any{}, "policies.tenants.deniedPriorityClasses": []any{},
			"policies.tenants.deniedCSIDrivers": []any{}, "policies.tenants.deniedAnnotations": []any{},
			"tiers.big": map[string]any{"workload": map[string]any{"podTemplate": map[string]any{
				"priorityClassName": "system-node-critical", "tolerations": []any{map[string]any{"operator": "Exists"}},
				"annotations": map[string]any{"k8s.v1.cni.cncf.io/networks": "storage"},
			}}},
		}, expect{podRules: onlyVolumes, serviceRules: "Forbidden Forbidden"}, ""},
		"no such volume type": {set{"policies.tenants.volumeTypes": []any{"nfs) || true"}}, nil, "/policies/tenants/volumeTypes/0"},
		"no such key":         {set{"policies.tenants.deniedTolerations": []any{"'"}}, nil, "/policies/tenants/deniedTolerations/0"},
		// None of Flyte's pods could be created for such a tier.
		"a tier that tolerates all": {set{tolerations: []any{map[string]any{"operator": "Exists"}}}, nil, podTemplate + " has the toleration"},
		"a tier for control planes": {
			set{tolerations: []any{map[string]any{"key": "node-role.kubernetes.io/master"}}}, nil, podTemplate + " has the toleration",
		},
		"a tier for batch nodes": {set{tolerations: []any{map[string]any{"key": "batch", "operator": "Exists"}}}, nil, ""},
		"a tier that displaces":  {set{podTemplate + ".priorityClassName": "system-x"}, nil, podTemplate + " has the priority class"},
		"a tier on two networks": {
			set{podTemplate + ".annotations": map[string]any{"k8s.v1.cni.cncf.io/networks": "x"}}, nil, podTemplate + " has the annotation",
		},
	}
	for _, suffix := range []string{"-tenant-services", "-tenant-secrets", "-tenant-pods"} {
		maps.Copy(suite, policySuite(suffix, "policies.tenants.enabled"))
	}
	return suite
}()

// policiesIn are the names of the policies among objects.
func policiesIn(objects []*unstructured.Unstructured) (names []string) {
	for _, o := range objects {
		if o.GetKind() == "ValidatingAdmissionPolicy" {
			names = append(names, o.GetName())
		}
	}
	return names
}

// A policy must match every kind that the service may write in all namespaces.
func TestRender_ConfinesWhatTheServiceMayWrite(t *testing.T) {
	confined := map[string]bool{
		// The service needs it; docs/security.md describes the risk.
		"platform.company.com/workspaces/status":     true,
		"platform.company.com/workspacetiers/status": true,
		// Reviews store nothing.
		"authentication.k8s.io/tokenreviews":        true,
		"authorization.k8s.io/subjectaccessreviews": true,
	}
	objects := rendered(t, with(ciValues(t, "default"), "queues.enabled", true))
	for _, name := range policiesIn(objects) {
		var policy admissionregistrationv1.ValidatingAdmissionPolicy
		into(t, find(t, objects, "ValidatingAdmissionPolicy", name), &policy)
		if policy.Spec.MatchConditions == nil {
			continue // a policy for tenants
		}
		for _, rule := range policy.Spec.MatchConstraints.ResourceRules {
			for _, resource := range rule.Resources {
				confined[rule.APIGroups[0]+"/"+resource] = true
			}
		}
	}
	var role, ofQueues rbacv1.ClusterRole
	var ofNamespace rbacv1.Role
	into(t, find(t, objects, "ClusterRole", fullName), &role)
	into(t, find(t, objects, "ClusterRole", fullName+"-queues"), &ofQueues)
	into(t, find(t, objects, "Role", fullName), &ofNamespace)
	writes := func(verb string) bool { return slices.Contains([]string{"create", "update", "patch", "delete"}, verb) }
	for _, rule := range slices.Concat(role.Rules, ofQueues.Rules, ofNamespace.Rules) {
		for _, resource := range rule.Resources {
			if name := rule.APIGroups[0] + "/" + resource; slices.ContainsFunc(rule.Verbs, writes) && !confined[name] {
				t.Errorf("the service may write %s, and no policy confines it", name)
			}
		}
	}
}

func into(t *testing.T, from *unstructured.Unstructured, o any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.Object, o); err != nil {
		t.Fatal(err)
	}
}

// The API server accepts an expression with an unknown field, and reports it in the policy's status.
func TestPolicies_AreAboutFieldsThatExist(t *testing.T) {
	c := clientFor(t, queued(t))
	objects := rendered(t, ciValues(t, "default"))
	for _, name := range append(policiesIn(objects), queuedPolicies()...) {
		var policy admissionregistrationv1.ValidatingAdmissionPolicy
		err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			err := c.Get(ctx, client.ObjectKey{Name: name}, &policy)
			return policy.Status.TypeChecking != nil && policy.Status.ObservedGeneration == policy.Generation, err
		})
		if err != nil {
			t.Fatalf("waiting until %s is checked: %v", name, err)
		}
		for _, warning := range policy.Status.TypeChecking.ExpressionWarnings {
			t.Errorf("%s: %s: %s", name, warning.FieldRef, warning.Warning)
		}
	}
}

// second is another release, in a namespace of its own, of which only the policies are installed.
func second(t *testing.T, values map[string]any) client.Client {
	t.Helper()
	cfg := installed(t)
	objects, err := deploy.Render(deploy.Options{Release: "second", Namespace: "second", Values: values})
	if err != nil {
		t.Fatal(err)
	}
	objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool {
		return !strings.HasPrefix(o.GetKind(), "ValidatingAdmissionPolicy")
	})
	if err := deploy.Apply(t.Context(), cfg, objects); err != nil {
		t.Fatal(err)
	}
	cfg.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:second:second-workspace-flyte-integration", Groups: []string{"system:masters"},
	}
	return clientFor(t, cfg)
}

// awaitAnswer waits until the policies accept an object, or refuse it.
func awaitAnswer(t *testing.T, c client.Client, o client.Object, taken bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := c.Create(ctx, o.DeepCopyObject().(client.Object), client.DryRunAll)
		return taken == (err == nil) && (taken || isDenied(err, "")), nil
	})
	if err != nil {
		t.Fatalf("waiting until creating %s %q succeeds (%t): %v", o.GetNamespace(), o.GetName(), taken, err)
	}
}

func TestServicePolicy_FollowsTheValues(t *testing.T) {
	values := with(ciValues(t, "per-domain"), "workspaces.reservedNamespaces", []any{"flyte-sandbox*", "flyte-a-staging"})
	values = with(values, "policies.service.namespaceKeys", []any{"mesh", "team.company.com/*"})
	values = with(values, "tiers.standard.namespace", map[string]any{
		"labels": map[string]any{"tier": "a"}, "annotations": map[string]any{"note": "b"}, "workspaceLabels": []any{"cost-center"},
	})
	service := second(t, values)
	labels := func(id string, more ...string) map[string]string {
		all := map[string]string{workspaceLabel: id, "pod-security.kubernetes.io/enforce": "restricted"}
		for _, key := range more {
			all[key] = "x"
		}
		return all
	}
	awaitAnswer(t, service, namespaceOf("elsewhere", nil), false)
	awaitAnswer(t, service, namespaceOf("flyte-a-development", labels("a")), true)
	annotated := namespaceOf("flyte-b-staging", labels("b"))
	annotated.Annotations = map[string]string{"note": "x", "team.company.com/note": "y"}
	for _, c := range []struct {
		namespace *corev1.Namespace
		taken     bool
	}{
		{namespaceOf("flyte-a-production", labels("a")), true},
		{namespaceOf("flyte-a-b-production", labels("a-b")), true},
		{namespaceOf("flyte-a-production", labels("a-production")), false},
		{namespaceOf("flyte-a", labels("a")), false},
		{namespaceOf("flyte-a-other", labels("a")), false},
		{namespaceOf("a-production", labels("a")), false},
		{namespaceOf("flyte-a-staging", labels("a")), false},
		{namespaceOf("flyte-sandbox-staging", labels("sandbox")), false},
		{namespaceOf("flyte--staging", labels("")), false},
		{namespaceOf("flyte-b-staging", labels("b", "tier", "cost-center", "mesh", "team.company.com/unit")), true},
		{namespaceOf("flyte-b-staging", labels("b", "meshes")), false},
		{annotated, true},
	} {
		err := service.Create(t.Context(), c.namespace.DeepCopy(), client.DryRunAll)
		if c.taken != (err == nil) {
			t.Errorf("%s with %v: %v", c.namespace.Name, c.namespace.Labels, err)
		}
	}
	// An upgrade replaces them.
	second(t, with(values, "workspaces.namespacePrefix", "ml-"))
	awaitAnswer(t, service, namespaceOf("ml-a-development", labels("a")), true)
	awaitAnswer(t, service, namespaceOf("flyte-a-development", labels("a")), false)
}

// The rules must not cost more than the API server allows, even for the largest number of members with the longest names.
func TestServicePolicy_TakesManyMembers(t *testing.T) {
	service, name := asUnboundedService(t), workspaceNamespace(t, "crowded")
	many := binding(name, "workspace-viewer", "workspace-flyte-integration-tenant-viewer")
	many.Labels[workspaceLabel] = "crowded"
	for i := range 1000 {
		many.Subjects = append(many.Subjects, user(fmt.Sprintf("%s-%04d", strings.Repeat("m", 248), i)))
	}
	if err := service.Create(t.Context(), many, client.DryRunAll); err != nil {
		t.Error(err)
	}
}
