package flytetest

import (
	"maps"
	"slices"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"k8s.io/apimachinery/pkg/api/resource"
)

// amounts are quantities by resource. An absent one is zero; FlyteAdmin does not distinguish them.
type amounts map[core.Resources_ResourceName]resource.Quantity

// platformResources are FlyteAdmin's "platform task resources".
type platformResources struct{ defaults, limits amounts }

// flyteAdminResources are FlyteAdmin's own (flyteadmin/pkg/runtime/task_resource_provider.go).
func flyteAdminResources() platformResources {
	return platformResources{
		defaults: amounts{core.Resources_CPU: resource.MustParse("2"), core.Resources_MEMORY: resource.MustParse("200Mi")},
		limits: amounts{
			core.Resources_CPU: resource.MustParse("2"), core.Resources_MEMORY: resource.MustParse("1Gi"),
			core.Resources_GPU: resource.MustParse("1"),
		},
	}
}

// resourceSet follows fromAdminProtoTaskResourceSpec (flyteadmin/pkg/manager/impl/util/resources.go): an empty or invalid quantity is
// zero.
func resourceSet(spec *admin.TaskResourceSpec) amounts {
	all := amounts{}
	for name, text := range map[core.Resources_ResourceName]string{
		core.Resources_CPU: spec.GetCpu(), core.Resources_MEMORY: spec.GetMemory(), core.Resources_GPU: spec.GetGpu(),
		core.Resources_EPHEMERAL_STORAGE: spec.GetEphemeralStorage(),
	} {
		if amount, err := resource.ParseQuantity(text); err == nil && !amount.IsZero() {
			all[name] = amount
		}
	}
	return all
}

// setTaskDefaults follows setCompiledTaskDefaults (flyteadmin/pkg/manager/impl/execution_manager.go): it always writes CPU and memory,
// even zeros, but ephemeral storage and GPUs only if the task or the defaults have them.
func setTaskDefaults(task *core.TaskTemplate, platform platformResources) {
	requests := entriesOf(task.GetContainer().GetResources().GetRequests())
	limits := entriesOf(task.GetContainer().GetResources().GetLimits())
	final := &core.Resources{}
	for _, name := range []core.Resources_ResourceName{
		core.Resources_CPU, core.Resources_MEMORY, core.Resources_EPHEMERAL_STORAGE, core.Resources_GPU,
	} {
		always := name == core.Resources_CPU || name == core.Resources_MEMORY
		if !always && isZero(requests, name) && isZero(limits, name) && isZero(platform.defaults, name) {
			continue
		}
		request, limit := adjustOrDefault(requests[name], limits[name], platform.defaults[name], platform.limits[name])
		final.Requests = append(final.Requests, &core.Resources_ResourceEntry{Name: name, Value: request.String()})
		final.Limits = append(final.Limits, &core.Resources_ResourceEntry{Name: name, Value: limit.String()})
	}
	task.GetContainer().Resources = final
}

// adjustOrDefault follows AdjustOrDefaultResource (flyteplugins/go/tasks/pluginmachinery/flytek8s/container_helper.go).
func adjustOrDefault(request, limit, platformDefault, platformLimit resource.Quantity) (_, _ resource.Quantity) {
	switch {
	case request.IsZero() && !limit.IsZero():
		request = limit
	case request.IsZero():
		request = platformDefault
	}
	if limit.IsZero() {
		limit = request
	}
	limit = atMost(limit, platformLimit)
	return atMost(atMost(request, platformLimit), limit), limit
}

// atMost takes a zero limit for no limit.
func atMost(value, limit resource.Quantity) resource.Quantity {
	if value.IsZero() || limit.IsZero() || value.Cmp(limit) <= 0 {
		return value
	}
	return limit
}

// entriesOf takes an invalid quantity for zero.
func entriesOf(entries []*core.Resources_ResourceEntry) amounts {
	all := amounts{}
	for _, entry := range entries {
		all[entry.GetName()], _ = resource.ParseQuantity(entry.GetValue())
	}
	return all
}

func isZero(all amounts, name core.Resources_ResourceName) bool {
	amount := all[name]
	return amount.IsZero()
}

// validateResources follows validateTaskResources (flyteadmin/pkg/manager/impl/validation/task_validator.go), which compares only
// resources that the task requests, in whole units, rounded up.
func validateResources(task *core.Resources, platformLimits amounts) error {
	for _, entry := range slices.Concat(task.GetRequests(), task.GetLimits()) {
		amount, err := resource.ParseQuantity(entry.GetValue())
		if err != nil {
			return invalid("Parsing of %v request failed for value %v - reason  %v", entry.GetName(), entry.GetValue(), err)
		}
		if entry.GetName() == core.Resources_GPU && amount.MilliValue()%1000 != 0 {
			return invalid("gpu must be a whole number, got: %s instead", entry.GetValue())
		}
	}
	requests, limits := entriesOf(task.GetRequests()), entriesOf(task.GetLimits())
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		if err := validateResource(name, requests, limits, platformLimits); err != nil {
			return err
		}
	}
	return nil
}

func validateResource(name core.Resources_ResourceName, requests, limits, platformLimits amounts) error {
	request, limit, most := requests[name], limits[name], platformLimits[name]
	_, limited := limits[name]
	gpu := name == core.Resources_GPU
	const above = "Requested %v %s [%v] is greater than current limit set in the platform configuration [%v]"
	switch {
	case gpu && limited && request.Value() != limit.Value():
		return invalid("For extended resource 'gpu' the default value must equal the limit value")
	case !gpu && limited && limit.Value() < request.Value():
		return invalid("Requested %v default [%v] is greater than the limit [%v]", name, request.String(), limit.String())
	case most.IsZero():
		return nil
	case !gpu && limited && limit.Value() > most.Value():
		return invalid(above, name, "limit", limit.String(), most.String())
	case request.Value() > most.Value():
		return invalid(above, name, "default", request.String(), most.String())
	}
	return nil
}
