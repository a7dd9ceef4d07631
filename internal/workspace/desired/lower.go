package desired

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// LowerFirst returns the first step from ResourceQuotas that exist to those that are desired, where their sum must not exceed what is
// desired: each amount as low as the lower of both. A quota that does not exist, and is nil in live, starts at zero. LowerFirst returns
// nil if no amount has to be lowered, so that the desired quotas can be written in any order.
func LowerFirst(live, desired []*corev1.ResourceQuota) []*corev1.ResourceQuota {
	lower := false
	for i := range live {
		lower = lower || isLowered(live[i], desired[i])
	}
	if !lower {
		return nil
	}
	step := make([]*corev1.ResourceQuota, len(live))
	for i := range live {
		step[i] = lowered(live[i], desired[i])
	}
	return step
}

func isLowered(live, desired *corev1.ResourceQuota) bool {
	if live == nil {
		return false
	}
	for key, want := range desired.Spec.Hard {
		if have, limited := live.Spec.Hard[key]; limited && have.Cmp(want) > 0 {
			return true
		}
	}
	return false
}

// lowered has a new key at zero, since the amount may still belong to another namespace. A key that is not desired any more stays: to
// remove it raises the amount.
func lowered(live, desired *corev1.ResourceQuota) *corev1.ResourceQuota {
	step := desired.DeepCopy()
	var have corev1.ResourceList
	if live != nil {
		have = live.Spec.Hard
	}
	for key, want := range desired.Spec.Hard {
		amount, limited := have[key]
		switch {
		case !limited:
			step.Spec.Hard[key] = *resource.NewQuantity(0, resource.DecimalSI)
		case amount.Cmp(want) < 0:
			step.Spec.Hard[key] = amount
		}
	}
	for key, amount := range have {
		if _, stays := desired.Spec.Hard[key]; !stays {
			step.Spec.Hard[key] = amount
		}
	}
	return step
}
