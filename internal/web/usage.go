package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// namespaceUsage is a namespace with how much of its quota is used.
type namespaceUsage struct {
	namespaceQuota

	// main are the amounts that people ask for, more the counts of objects.
	main, more []usage
}

// usage is one amount of a quota.
type usage struct {
	name, used, hard string
	// percent is how much is used, at most 100.
	percent int
	full    bool
}

// amountNames are the amounts that a workspace can ask for, in their order, by the keys of a ResourceQuota. A GPU resource is
// requests. and its name.
var amountNames = []struct{ key, name string }{
	{"requests.cpu", "CPU requests"},
	{"limits.cpu", "CPU limits"},
	{"requests.memory", "Memory requests"},
	{"limits.memory", "Memory limits"},
	{"requests.storage", "Storage"},
	{"pods", "Pods"},
}

func usagesOf(quotas []namespaceQuota) []namespaceUsage {
	usages := make([]namespaceUsage, len(quotas))
	for i, quota := range quotas {
		usages[i] = namespaceUsage{namespaceQuota: quota}
		for key, hard := range quota.Hard {
			rank, name := amountName(key)
			u := newUsage(name, quota.Used[key], hard)
			if rank < len(amountNames) {
				usages[i].main = append(usages[i].main, u)
			} else {
				usages[i].more = append(usages[i].more, u)
			}
		}
		for class, ofClass := range quota.PriorityClasses {
			for key, hard := range ofClass.Hard {
				_, name := amountName(key)
				usages[i].more = append(usages[i].more, newUsage("priority class "+class+": "+name, ofClass.Used[key], hard))
			}
		}
		slices.SortFunc(usages[i].main, func(a, b usage) int { return cmp.Compare(rankOf(a.name), rankOf(b.name)) })
		slices.SortFunc(usages[i].more, func(a, b usage) int { return cmp.Compare(a.name, b.name) })
	}
	return usages
}

// amountName returns how people call the key of a ResourceQuota, and its place among amountNames.
func amountName(key string) (rank int, name string) {
	for i, known := range amountNames {
		if known.key == key {
			return i, known.name
		}
	}
	if gpu, isRequest := strings.CutPrefix(key, "requests."); isRequest && strings.Contains(gpu, "/") {
		return len(amountNames) - 1, gpu
	}
	return len(amountNames), key
}

// rankOf sorts GPUs behind memory.
func rankOf(name string) int {
	for i, known := range amountNames {
		if known.name == name {
			return 2 * i
		}
	}
	return 2*3 + 1
}

func newUsage(name, used, hard string) usage {
	u := usage{name: name, used: readable(cmp.Or(used, "0")), hard: readable(hard)}
	most, mostErr := resource.ParseQuantity(hard)
	now, nowErr := resource.ParseQuantity(cmp.Or(used, "0"))
	if mostErr != nil || nowErr != nil || most.Sign() <= 0 {
		u.full = most.Sign() == 0 && now.Sign() > 0
		return u
	}
	u.percent = int(min(100, 100*now.AsApproximateFloat64()/most.AsApproximateFloat64()))
	u.full = now.Cmp(most) >= 0
	return u
}

// readable returns an amount in thousandths as a decimal number, and any other unchanged.
func readable(amount string) string {
	thousandths, found := strings.CutSuffix(amount, "m")
	n, err := strconv.ParseInt(thousandths, 10, 64)
	if !found || err != nil {
		return amount
	}
	return strconv.FormatFloat(float64(n)/1000, 'f', -1, 64)
}
