package lifecycle

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// taskAmount is one resource of a task, and what bounds it in the namespace. Bounds that are not there are zero.
type taskAmount struct {
	standard, limit v1alpha1.Quantity
	// quota and most are never reached: propeller fails a task for good that asks for the whole quota
	// (flytepropeller/pkg/controller/nodes/task/backoff/handler.go). least is the limit range's minimum.
	quota, most, least resource.Quantity
	// step is how far the limit stays below them.
	step resource.Quantity
}

// taskResources stay strictly inside the quota and the limit range of the namespace, whatever the tier wants.
func (p placed) taskResources(wanted *v1alpha1.FlyteTaskResources) *flyte.TaskResources {
	bounds := p.tier.Spec.LimitRange
	cpu := taskAmount{
		standard: wanted.Defaults.CPU, limit: wanted.Limits.CPU, quota: p.amounts["cpu"], step: resource.MustParse("1m"),
		most: workspace.ParseQuantity(bounds.Max.CPU), least: workspace.ParseQuantity(bounds.Min.CPU),
	}
	memory := taskAmount{
		standard: wanted.Defaults.Memory, limit: wanted.Limits.Memory, quota: p.amounts["memory"], step: resource.MustParse("1Mi"),
		most: workspace.ParseQuantity(bounds.Max.Memory), least: workspace.ParseQuantity(bounds.Min.Memory),
	}
	gpu := taskAmount{
		standard: v1alpha1.Quantity(wanted.Defaults.GPU), limit: v1alpha1.Quantity(wanted.Limits.GPU), quota: p.amounts["gpu"],
		step: resource.MustParse("1"),
	}
	disk := taskAmount{standard: wanted.Defaults.EphemeralStorage, limit: wanted.Limits.EphemeralStorage}
	return &flyte.TaskResources{
		Defaults: flyte.Resources{
			CPU: cpu.fittingDefault(), Memory: memory.fittingDefault(), GPU: gpu.fittingDefault(), EphemeralStorage: disk.fittingDefault(),
		},
		Limits: flyte.Resources{
			CPU: text(cpu.fittingLimit()), Memory: text(memory.fittingLimit()), GPU: text(gpu.fittingLimit()),
			EphemeralStorage: text(disk.fittingLimit()),
		},
	}
}

// fittingLimit is the wanted one, or the most that fits where that is less or none is wanted; zero for none.
func (a taskAmount) fittingLimit() resource.Quantity {
	limit := workspace.ParseQuantity(a.limit)
	for _, bound := range []resource.Quantity{a.quota, a.most} {
		if bound.IsZero() || !limit.IsZero() && limit.Cmp(bound) < 0 {
			continue
		}
		limit = bound.DeepCopy()
		limit.Sub(a.step)
	}
	if limit.Sign() < 0 {
		return resource.Quantity{}
	}
	return limit
}

// fittingDefault is no less than the limit range's minimum, and no more than the limit.
func (a taskAmount) fittingDefault() string {
	amount := workspace.ParseQuantity(a.standard)
	if amount.IsZero() {
		return ""
	}
	if amount.Cmp(a.least) < 0 {
		amount = a.least
	}
	if limit := a.fittingLimit(); !limit.IsZero() && amount.Cmp(limit) > 0 {
		amount = limit
	}
	return text(amount)
}

// text is empty for nothing, which leaves the resource to Flyte.
func text(amount resource.Quantity) string {
	if amount.IsZero() {
		return ""
	}
	return amount.String()
}
