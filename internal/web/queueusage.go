package web

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// queueUsage is what workloads have of one resource.
type queueUsage struct{ reserved, used, borrowed resource.Quantity }

// reportedUsage is what queues report together, by flavor and resource.
func reportedUsage(queues []*kueue.QueueStatus) []queueResource {
	sums := sumUsage(queues)
	all := make([]queueResource, 0, len(sums))
	for key, sum := range sums {
		r := queueResource{Flavor: key[0], Name: key[1], Reserved: sum.reserved.String(), Used: sum.used.String()}
		if !sum.borrowed.IsZero() {
			r.Borrowed = sum.borrowed.String()
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b queueResource) int {
		return cmp.Or(cmp.Compare(a.Flavor, b.Flavor), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// sumUsage sums by flavor and resource.
func sumUsage(queues []*kueue.QueueStatus) map[[2]string]*queueUsage {
	sums := map[[2]string]*queueUsage{}
	each := func(flavors []kueue.FlavorUsage, add func(*queueUsage, *kueue.ResourceUsage)) {
		for _, flavor := range flavors {
			for i := range flavor.Resources {
				key := [2]string{flavor.Name, string(flavor.Resources[i].Name)}
				if sums[key] == nil {
					sums[key] = &queueUsage{}
				}
				add(sums[key], &flavor.Resources[i])
			}
		}
	}
	for _, queue := range queues {
		each(queue.FlavorsReservation, func(u *queueUsage, r *kueue.ResourceUsage) { u.reserved.Add(r.Total) })
		each(queue.FlavorsUsage, func(u *queueUsage, r *kueue.ResourceUsage) {
			u.used.Add(r.Total)
			u.borrowed.Add(r.Borrowed)
		})
	}
	return sums
}
