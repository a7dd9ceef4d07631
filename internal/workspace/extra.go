package workspace

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-playground/validator/v10"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// The rules for keys and amounts of quota.extra. A key is one that the API server accepts in a ResourceQuota
// (k8s.io/kubernetes/pkg/apis/core/validation, ValidateResourceQuotaResourceName) and that nothing else sets.
var (
	// fieldKeys are the keys that other fields of the quota set, or the service itself.
	fieldKeys = []string{
		"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "requests.storage", "pods", "services",
		"persistentvolumeclaims", "services.loadbalancers", "services.nodeports",
	}
	// otherKeys are the other keys without a slash, except for huge pages.
	otherKeys = []string{
		"ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage", "configmaps", "secrets", "replicationcontrollers",
		"resourcequotas",
	}
	hugePages = regexp.MustCompile(`^(requests[.])?hugepages-[A-Za-z0-9]([-A-Za-z0-9_.]{0,30}[A-Za-z0-9])?$`)
	// uncountable are kinds that the service creates itself, and Events, which Kubernetes doesn't count.
	uncountable = []string{
		"resourcequotas", "count/resourcequotas", "count/limitranges", "count/serviceaccounts", "count/podtemplates",
		"count/rolebindings.rbac.authorization.k8s.io", "count/networkpolicies.networking.k8s.io",
		"count/events", "count/events.events.k8s.io",
	}
	wholeQuantity = regexp.MustCompile(`^[0-9]{1,9}(k|Ki|[MGTP]i?)?$`)
	// leastCounts are what every namespace needs: workspace-config and kube-root-ca.crt, and workspace-pull-secret.
	leastCounts   = map[string]string{"configmaps": "2", "count/configmaps": "2", "secrets": "1", "count/secrets": "1"}
	configMapKeys = []string{"configmaps", "count/configmaps"}
)

func isQuotaKey(key string) bool {
	qualified := strings.Contains(key, "/") && len(validation.IsQualifiedName(key)) == 0
	return qualified || hugePages.MatchString(key) || slices.Contains(otherKeys, key) || slices.Contains(fieldKeys, key)
}

func isNoFieldKey(key string) bool { return !slices.Contains(fieldKeys, key) }

func isCountable(key string) bool { return !slices.Contains(uncountable, key) }

// leavesRoom reports whether the counts of a quota's extra keys allow what every namespace has.
func leavesRoom(f validator.FieldLevel) bool {
	extra, ok := reflect.TypeAssert[v1alpha1.ExtraAmounts](f.Field())
	for key, least := range leastCounts {
		amount, limited := parseQuantity(string(extra[key]))
		if needed, _ := parseQuantity(least); limited && amount.Cmp(needed) < 0 {
			return false
		}
	}
	return ok
}

// leastCount is how many objects that an extra key counts every namespace on the tier needs: also the ConfigMaps of its templates.
func leastCount(key string, tier *v1alpha1.WorkspaceTier) int64 {
	least, _ := parseQuantity(leastCounts[key])
	count := least.Value()
	if slices.Contains(configMapKeys, key) {
		count += configMapTemplates(tier)
	}
	return count
}

func configMapTemplates(tier *v1alpha1.WorkspaceTier) (count int64) {
	for i := range tier.Spec.Objects {
		if o := &tier.Spec.Objects[i]; o.APIVersion == "v1" && o.Kind == "ConfigMap" {
			count++
		}
	}
	return count
}

// leaveRoomForObjects raises the counts of ConfigMaps to what this many namespaces on a tier with templates need: the service's own
// objects count, too.
func leaveRoomForObjects(amounts map[string]resource.Quantity, tier *v1alpha1.WorkspaceTier, namespaces int) {
	if configMapTemplates(tier) == 0 {
		return
	}
	for _, key := range configMapKeys {
		needed := resource.NewQuantity(leastCount(key, tier)*int64(namespaces), resource.DecimalSI)
		if amount, limited := amounts[key]; limited && amount.Cmp(*needed) < 0 {
			amounts[key] = *needed
		}
	}
}
