package remedy

import "platform.company.com/workspace-flyte-integration/api/v1alpha1"

// queue is about the queue of a tier.
func queue() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonQueueHeld},
			Means:   "suspended or deleted: the queue admits nothing new, and running pods finish",
			Do:      "nothing, until `workspace.resumed`",
		},
		{
			Reasons: []string{v1alpha1.ReasonQueuesDisabled},
			Means:   "the tier has a queue, and the service has no rights on queues; the quota refuses pods above it",
			Do:      "set `queues.enabled` in the chart's values, or remove `queue` from the tier",
		},
		{
			Reasons: []string{v1alpha1.ReasonKueueNotInstalled},
			Means:   "the cluster does not serve `kueue.x-k8s.io/v1beta2`; the quota refuses pods above it, everything else is in place",
			Do:      "install [Kueue](tiers.md#queues) v0.15 or later; the service notices within 10 s",
		},
		{
			Reasons: []string{v1alpha1.ReasonWaitingForKueue},
			Means:   "the queue is in place, and Kueue has not reported its state yet",
			Do:      "wait up to two minutes",
		},
		{
			Reasons: []string{v1alpha1.ReasonWaitingForQuota},
			Means:   "the queue is removed as soon as Kubernetes enforces the ResourceQuotas that replace it",
			Do:      "if it takes more than a minute, check that `kube-controller-manager` runs",
		},
		{
			Reasons: []string{v1alpha1.ReasonKueueNotResponding},
			Means:   "Kueue has not reported the state of the queue for two minutes",
			Do:      "check that `kueue-controller-manager` runs",
		},
		{
			Reasons: append([]string{v1alpha1.ReasonQueueInactive}, v1alpha1.QueueReasons()...),
			Means:   "Kueue's own reason why the queue admits nothing; the message is Kueue's",
			Do:      "create what is missing, such as the ResourceFlavor, or correct the tier's `queue`",
		},
	}
}
