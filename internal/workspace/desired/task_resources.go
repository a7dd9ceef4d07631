package desired

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// The defaults of a task if neither the tier nor its limit range has any.
const (
	defaultTaskCPU     v1alpha1.Quantity = "250m"
	defaultTaskMemory  v1alpha1.Quantity = "512Mi"
	defaultTaskStorage v1alpha1.Quantity = "1Gi"
)

// taskAmount is one resource of a task, with what bounds it in the namespace.
type taskAmount struct {
	// defaults are the candidates for the default, the first that is set and above zero wins. limit is the tier's.
	defaults []v1alpha1.Quantity
	limit    v1alpha1.Quantity
	// bounds are the quota and the limit range's maximum. The limit stays strictly below them: propeller fails a task for
	// good that asks for the whole quota (flytepropeller/pkg/controller/nodes/task/backoff/handler.go).
	bounds []resource.Quantity
	// least is the limit range's minimum, or zero.
	least resource.Quantity
	// unit is the least amount that Flyte does not read as "no limit". step is how far the limit stays below a bound, where
	// the bound has room for it.
	unit, step resource.Quantity
}

// taskResources are the tier's, reduced to fit into the quota and the limit range of the namespace. TASK_RESOURCE replaces FlyteAdmin's
// own task_resources as a whole (flyteadmin/pkg/manager/impl/util/resources.go): a missing default becomes an explicit zero in every
// task that names no resources, and the quota would not count such pods. So CPU and memory always have a default, and every resource
// in the quota has a limit.
func (t domainTarget) taskResources(wanted *v1alpha1.FlyteTaskResources) *flyte.TaskResources {
	a := t.taskAmounts(wanted)
	return &flyte.TaskResources{
		Defaults: flyte.Resources{
			CPU: a.cpu.fittingDefault(), Memory: a.memory.fittingDefault(), GPU: a.gpu.fittingDefault(),
			EphemeralStorage: a.storage.fittingDefault(),
		},
		Limits: flyte.Resources{
			CPU: text(a.cpu.fittingLimit()), Memory: text(a.memory.fittingLimit()), GPU: text(a.gpu.fittingLimit()),
			EphemeralStorage: text(a.storage.fittingLimit()),
		},
	}
}

type taskAmounts struct{ cpu, memory, gpu, storage taskAmount }

// taskAmounts has no default of GPUs but the tier's: a task gets a GPU only if it asks for one.
func (t domainTarget) taskAmounts(wanted *v1alpha1.FlyteTaskResources) taskAmounts {
	r, defaults, limits := t.tier.Spec.LimitRange, wanted.Defaults, wanted.Limits
	one, milli, mebi := resource.MustParse("1"), resource.MustParse("1m"), resource.MustParse("1Mi")
	return taskAmounts{
		cpu: taskAmount{
			defaults: []v1alpha1.Quantity{defaults.CPU, r.DefaultRequest.CPU, r.Default.CPU, defaultTaskCPU}, limit: limits.CPU,
			bounds: t.bounds(r.Max.CPU, "cpu"), least: workspace.ParseQuantity(r.Min.CPU), unit: milli, step: milli,
		},
		memory: taskAmount{
			defaults: []v1alpha1.Quantity{defaults.Memory, r.DefaultRequest.Memory, r.Default.Memory, defaultTaskMemory}, limit: limits.Memory,
			bounds: t.bounds(r.Max.Memory, "memory"), least: workspace.ParseQuantity(r.Min.Memory), unit: one, step: mebi,
		},
		gpu: taskAmount{
			defaults: []v1alpha1.Quantity{v1alpha1.Quantity(defaults.GPU)}, limit: v1alpha1.Quantity(limits.GPU),
			bounds: t.bounds("", "gpu"), unit: one, step: one,
		},
		storage: taskAmount{
			defaults: []v1alpha1.Quantity{defaults.EphemeralStorage, t.defaultStorage()}, limit: limits.EphemeralStorage,
			bounds: t.bounds(r.Max.EphemeralStorage, storageKeys...), least: workspace.ParseQuantity(r.Min.EphemeralStorage),
			unit: one, step: mebi,
		},
	}
}

// storageKeys are the keys of a quota that bound ephemeral storage.
var storageKeys = []string{"requests.ephemeral-storage", "limits.ephemeral-storage", "ephemeral-storage"}

// defaultStorage is the default of ephemeral storage if a quota counts it, and the limit range has neither a default nor a maximum: a
// LimitRange can give a limit above the request and Flyte can't. Kubernetes requires no requests of ephemeral storage.
func (t domainTarget) defaultStorage() v1alpha1.Quantity {
	r := t.tier.Spec.LimitRange
	if r.Default.EphemeralStorage+r.Max.EphemeralStorage != "" || len(t.bounds("", storageKeys...)) == 0 {
		return ""
	}
	return defaultTaskStorage
}

// bounds are the maximum of the limit range and the amounts of the quota, where there are any.
func (t domainTarget) bounds(most v1alpha1.Quantity, keys ...string) (bounds []resource.Quantity) {
	if most != "" {
		bounds = append(bounds, workspace.ParseQuantity(most))
	}
	for _, key := range keys {
		if amount, limited := t.amounts[key]; limited {
			bounds = append(bounds, amount)
		}
	}
	return bounds
}

// fittingLimit is the tier's, or the most that fits where that is less or the tier names none. It is zero, which Flyte reads as
// no limit, only where nothing limits the resource.
func (a taskAmount) fittingLimit() resource.Quantity {
	limit, limited := workspace.ParseQuantity(a.limit), a.limit != ""
	for _, bound := range a.bounds {
		if !limited || limit.Cmp(bound) >= 0 {
			limit, limited = a.below(bound), true
		}
	}
	if limited && limit.Cmp(a.unit) < 0 {
		return a.unit
	}
	return limit
}

// below is the most that a task may ask for under a bound. Under a bound of at most one unit it is the unit: then the quota refuses
// the pod.
func (a taskAmount) below(bound resource.Quantity) resource.Quantity {
	for _, less := range []resource.Quantity{a.step, a.unit} {
		room := bound.DeepCopy()
		room.Sub(less)
		if room.Cmp(a.unit) >= 0 {
			return room
		}
	}
	return a.unit
}

// fittingDefault is no less than the limit range's minimum, and no more than the limit. It is empty where there is no default.
func (a taskAmount) fittingDefault() string {
	isSet := func(q v1alpha1.Quantity) bool { return !new(workspace.ParseQuantity(q)).IsZero() }
	i := slices.IndexFunc(a.defaults, isSet)
	if i < 0 {
		return ""
	}
	amount := workspace.ParseQuantity(a.defaults[i])
	if amount.Cmp(a.least) < 0 {
		amount = a.least
	}
	if limit := a.fittingLimit(); !limit.IsZero() && amount.Cmp(limit) > 0 {
		amount = limit
	}
	return text(amount)
}

// text is empty for zero.
func text(amount resource.Quantity) string {
	if amount.IsZero() {
		return ""
	}
	return amount.String()
}
