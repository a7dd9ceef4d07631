package deploy_test

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// countedByField are the counts that have fields of their own.
var countedByField = map[string]string{
	"pods": "pods", "services": "services", "persistentvolumeclaims": "persistentVolumeClaims",
}

// Each shipped tier counts every kind of object that members may create, and what controllers create for these. A right to create
// something else needs its count in the tiers. The shipped tiers have no workload.role, so they count nothing of those.
func TestTiers_CountWhatMembersMayCreate(t *testing.T) {
	objects := rendered(t, ciValues(t, "default"))
	keys := append(creatable(t, objects), "count/pods", "count/replicasets.apps", "requests.ephemeral-storage", "limits.ephemeral-storage")
	tiers := 0
	for _, object := range objects {
		if object.GetKind() != "WorkspaceTier" {
			continue
		}
		tiers++
		for _, key := range keys {
			path := []string{"spec", "quota", "default", "extra", key}
			if field := countedByField[key]; field != "" {
				path = []string{"spec", "quota", "default", field}
			}
			if amount, _, _ := unstructured.NestedString(object.Object, path...); amount == "" {
				t.Errorf("%s does not count %s", object.GetName(), key)
			}
		}
		for _, resource := range []string{"cpu", "memory", "ephemeralStorage"} {
			if least, _, _ := unstructured.NestedString(object.Object, "spec", "limitRange", "min", resource); strings.Trim(least, "0") == "" {
				t.Errorf("%s lets containers have explicit zeros of %s", object.GetName(), resource)
			}
		}
	}
	if tiers != 3 {
		t.Errorf("the chart ships %d tiers", tiers)
	}
}

// creatable are the quota keys of what the roles of members may create.
func creatable(t *testing.T, objects []*unstructured.Unstructured) (keys []string) {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() != "ClusterRole" || !strings.Contains(object.GetName(), "-tenant-") {
			continue
		}
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			if slices.Contains(rule.Verbs, "create") {
				keys = append(keys, keysOf(rule)...)
			}
		}
	}
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) < 8 {
		t.Errorf("the roles create %v only", keys)
	}
	return keys
}

func keysOf(rule rbacv1.PolicyRule) (keys []string) {
	for _, resource := range rule.Resources {
		if group := rule.APIGroups[0]; group != "" {
			resource += "." + group
		}
		switch {
		case strings.Contains(resource, "/"): // a subresource is no object
		case countedByField[resource] != "":
			keys = append(keys, resource)
		default:
			keys = append(keys, "count/"+resource)
		}
	}
	return keys
}
