package deploy_test

import (
	"maps"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// objectKind is an entry of the value tierObjects.
func objectKind(group, kind, resource string) map[string]any {
	return map[string]any{"group": group, "version": "v1", "kind": kind, "resource": resource}
}

var (
	configMaps = objectKind("", "ConfigMap", "configmaps")
	widgets    = objectKind("test.company.com", "Widget", "widgets")
	worlds     = objectKind("test.company.com", "World", "worlds") // in no namespace
)

var tierObjectSuite = func() map[string]expectation {
	tier := func(template string) map[string]any {
		return map[string]any{"objects": []any{map[string]any{
			"apiVersion": template, "kind": "Widget", "metadata": map[string]any{"name": "{workspace}"}, "spec": map[string]any{"a": 1.0},
		}}}
	}
	const role, policy = "ClusterRole …-tier-objects", "ValidatingAdmissionPolicy …-tier-objects"
	return map[string]expectation{
		"none": {nil, expect{
			role: absent, "ClusterRoleBinding …-tier-objects": absent, policy: absent, policy + "Binding": absent,
			"ConfigMap … .data.TIER_OBJECTS": "",
		}, ""},
		"two": {set{"tierObjects": []any{widgets, worlds, configMaps}}, expect{
			role + " .rules[*].apiGroups[*]": "test.company.com", role + " .rules[*].resources[*]": "widgets worlds",
			role + " .rules[*].verbs[*]":                                     "get list watch create patch delete",
			policy + " .spec.matchConstraints.resourceRules[*].apiGroups[*]": "test.company.com",
			policy + " .spec.matchConstraints.resourceRules[*].resources[*]": "widgets widgets/* worlds worlds/*",
			policy + " .spec.failurePolicy":                                  "Fail",
			"ConfigMap … .data.TIER_OBJECTS":                                 "Widget.v1.test.company.com,World.v1.test.company.com,ConfigMap.v1",
		}, ""},
		"ConfigMaps alone": {set{"tierObjects": []any{configMaps}}, expect{role: absent, policy: absent}, ""}, // service-policy.yaml has them
		"no RBAC":          {set{"tierObjects": []any{widgets}, "rbac.create": false}, expect{role: absent}, ""},
		"no policies": {set{"tierObjects": []any{widgets}, "policies.service.enabled": false}, expect{
			policy: absent, role + " .rules[*].resources[*]": "widgets",
		}, ""},
		"elsewhere": {set{"tierObjects": []any{widgets}, "install": "service", "kubeconfig.existingSecret": "k"}, expect{
			role: absent, policy: absent, "ConfigMap … .data.TIER_OBJECTS": "Widget.v1.test.company.com",
		}, ""},
		"a tier of a listed kind": {set{"tierObjects": []any{widgets}, "tiers.big": tier("test.company.com/v1")}, expect{
			"WorkspaceTier big .spec.objects[*].spec.a": "1",
		}, ""},
		"a tier of another kind": {
			set{"tiers.big": tier("test.company.com/v1")},
			nil,
			"tiers.big.objects has a Widget of test.company.com/v1, which tierObjects does not list",
		},
		"a tier of another version": {
			set{"tierObjects": []any{widgets}, "tiers.big": tier("test.company.com/v2")},
			nil,
			"tiers.big.objects has a Widget of test.company.com/v2",
		},
		"a wildcard":   {set{"tierObjects": []any{objectKind("test.company.com", "Widget", "*")}}, nil, "/tierObjects/0/resource"},
		"a status":     {set{"tierObjects": []any{objectKind("test.company.com", "Widget", "widgets/status")}}, nil, "/tierObjects/0/resource"},
		"no version":   {set{"tierObjects": []any{map[string]any{"group": "a.b", "kind": "Widget", "resource": "widgets"}}}, nil, "version"},
		"core Secrets": {set{"tierObjects": []any{objectKind("", "Secret", "secrets")}}, nil, "/tierObjects/0"},
		"core pods":    {set{"tierObjects": []any{objectKind("", "ConfigMap", "pods")}}, nil, "/tierObjects/0"},
	}
}()

// The service refuses the same: it has the schema's expression, and a test compares them.
func TestTierObjects_OfRefusedGroups(t *testing.T) {
	for _, kind := range []map[string]any{
		configMaps, objectKind("external-secrets.io", "ExternalSecret", "externalsecrets"), objectKind("ray.io", "RayCluster", "rayclusters"),
		objectKind("scheduling.volcano.sh", "Queue", "queues"), objectKind("monitoring.coreos.com", "PodMonitor", "podmonitors"),
	} {
		if err := renderWithKind(t, kind); err != nil {
			t.Errorf("%v: %v", kind, err)
		}
	}
	for group, kinds := range map[string][]string{
		"":                                {"Secret", "Pod", "ServiceAccount", "Service", "PersistentVolumeClaim"},
		"rbac.authorization.k8s.io":       {"Role", "RoleBinding"},
		"authorization.openshift.io":      {"RoleBinding"},
		"admissionregistration.k8s.io":    {"ValidatingWebhookConfiguration"},
		"networking.k8s.io":               {"NetworkPolicy"},
		"discovery.k8s.io":                {"EndpointSlice"},
		"apps":                            {"Deployment"},
		"batch":                           {"Job"},
		"policy":                          {"PodDisruptionBudget"},
		"platform.company.com":            {"Workspace"},
		"kueue.x-k8s.io":                  {"LocalQueue"},
		"kyverno.io":                      {"Policy"},
		"argoproj.io":                     {"Application"},
		"helm.toolkit.fluxcd.io":          {"HelmRelease"},
		"helm.cattle.io":                  {"HelmChart"},
		"capsule.clastix.io":              {"TenantResource"},
		"cilium.io":                       {"CiliumNetworkPolicy"},
		"crd.projectcalico.org":           {"NetworkPolicy"},
		"crd.antrea.io":                   {"NetworkPolicy"},
		"networking.istio.io":             {"EnvoyFilter"},
		"hnc.x-k8s.io":                    {"HierarchyConfiguration"},
		"iam.services.k8s.aws":            {"Role"},
		"iam.cnrm.cloud.google.com":       {"IAMPolicy"},
		"s3.aws.m.upbound.io":             {"Bucket"},
		"core.oam.dev":                    {"Application"},
		"work.open-cluster-management.io": {"ManifestWork"},
		"pulumi.com":                      {"Stack"},
	} {
		for _, kind := range kinds {
			if renderWithKind(t, objectKind(group, kind, strings.ToLower(kind)+"s")) == nil {
				t.Errorf("the chart takes %s of %q", kind, group)
			}
		}
	}
}

func renderWithKind(t *testing.T, kind map[string]any) error {
	t.Helper()
	_, err := deploy.Render(deploy.Options{Namespace: namespace, Values: with(ciValues(t, "default"), "tierObjects", []any{kind})})
	return err
}

// Each right to a kind of tierObjects is one that a policy confines.
func TestTierObjects_AreConfined(t *testing.T) {
	kinds := []any{widgets, worlds, objectKind("ray.io", "RayCluster", "rayclusters")}
	objects := rendered(t, with(ciValues(t, "default"), "tierObjects", kinds))
	var role rbacv1.ClusterRole
	into(t, find(t, objects, "ClusterRole", fullName+"-tier-objects"), &role)
	confined := map[string]bool{}
	rules, _, _ := unstructured.NestedSlice(find(t, objects, "ValidatingAdmissionPolicy", fullName+"-tier-objects").Object,
		"spec", "matchConstraints", "resourceRules")
	for _, rule := range rules {
		fields := rule.(map[string]any)
		for _, resource := range fields["resources"].([]any) {
			confined[fields["apiGroups"].([]any)[0].(string)+"/"+resource.(string)] = true
		}
	}
	granted := map[string]bool{}
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			granted[rule.APIGroups[0]+"/"+resource], granted[rule.APIGroups[0]+"/"+resource+"/*"] = true, true
		}
	}
	if !maps.Equal(granted, confined) || len(granted) != 6 {
		t.Errorf("granted %v, confined %v", granted, confined)
	}
}
