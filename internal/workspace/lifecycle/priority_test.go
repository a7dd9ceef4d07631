package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const priorityQuota = "ResourceQuota/workspace-priority-high"

// The quota of a priority class and the list of devices are repaired, pruned with the tier's field, and stay without the tier.
func TestController_AppliesPriorityClassesAndDevices(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("prioritised", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.DenyOtherDevices = true
		spec.Quota.PriorityClasses = map[string]v1alpha1.PodAmounts{"high": {CPU: "4", GPU: "1"}, "low": {Pods: "100"}}
	})
	const namespace = "flyte-prioritised"
	for _, d := range []drift{
		{priorityQuota, "amount raised", set("9999", "spec", "hard", "requests.cpu")},
		{priorityQuota, "amount removed", remove("spec", "hard", "requests.nvidia.com/gpu")},
		{priorityQuota, "another class", set([]any{map[string]any{
			"scopeName": "PriorityClass", "operator": "In", "values": []any{"other"},
		}}, "spec", "scopeSelector", "matchExpressions")},
		{"Namespace", "device added", setDevices("amd.com/gpu,nvidia.com/gpu")},
		{"Namespace", "devices removed", func(o *unstructured.Unstructured) { o.SetAnnotations(nil) }},
	} {
		before, drifted := env.applyDrift(namespace, d)
		env.awaitRepaired(namespace, before, d.object, drifted)
	}
	env.awaitIdle()
	writes := env.requests.total()
	env.reconcile("prioritised")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}

	env.changeTier("prioritised-tier", func(spec *v1alpha1.WorkspaceTierSpec) { delete(spec.Quota.PriorityClasses, "low") })
	eventually(t, func(context.Context) error {
		if names := env.childNames(namespace); slices.Contains(names, "ResourceQuota/workspace-priority-low") {
			return fmt.Errorf("the quota of a class that the tier dropped is not pruned: %v", names)
		}
		return nil
	})
	must(t, env.admin.Delete(t.Context(), tier("prioritised-tier")))
	env.await("prioritised", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	if devices := env.devices(namespace); devices != "nvidia.com/gpu" || !slices.Contains(env.childNames(namespace), priorityQuota) {
		t.Errorf("without the tier, the devices are %q, and there are %v", devices, env.childNames(namespace))
	}
}

func setDevices(devices string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		o.SetAnnotations(map[string]string{v1alpha1.AnnotationDevices: devices})
	}
}

func (env *testEnv) devices(namespace string) string {
	env.t.Helper()
	o, err := env.object(namespace, "Namespace")
	must(env.t, err)
	return o.GetAnnotations()[v1alpha1.AnnotationDevices]
}
