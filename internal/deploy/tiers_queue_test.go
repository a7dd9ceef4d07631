package deploy_test

// badQueues are queues that Kueue would refuse, or that admit nothing.
func badQueues() map[string]wrong {
	const own = "quota: {default: {cpu: '4', memory: 8Gi}}, limitRange: {maxLimitRequestRatio: {cpu: '4', memory: '2'}}, queue: {mode: own"
	return map[string]wrong{
		"a queue without a mode":        {"queue: {cohort: a}", "spec.queue.mode"},
		"a queue of another mode":       {"queue: {mode: borrowed}", "spec.queue.mode"},
		"a shared queue without a name": {"queue: {mode: shared}", "mode shared needs clusterQueue"},
		"a shared queue with a cohort":  {"queue: {mode: shared, clusterQueue: a, cohort: b}", "are for mode own"},
		"a shared queue with flavors":   {"queue: {mode: shared, clusterQueue: a, flavors: [{name: b}]}", "are for mode own"},
		"an own queue with a name":      {own + ", clusterQueue: a}", "clusterQueue is for mode shared"},
		"a queue that bounds no limits": {
			"quota: {default: {cpu: '4', memory: 8Gi}}, queue: {mode: own}", "queue needs limitRange.maxLimitRequestRatio",
		},
		"a queue that bounds no limits of memory": {
			"limitRange: {maxLimitRequestRatio: {cpu: '4'}}, queue: {mode: shared, clusterQueue: a}", "queue needs limitRange.maxLimitRequestRatio",
		},
		"an own queue without memory": {"quota: {default: {cpu: '4'}}, queue: {mode: own}", "needs amounts of cpu and memory"},
		"a limit without a cohort":    {own + ", borrowingLimit: {cpu: '1'}}", "need a cohort"},
		"a limit of nothing":          {own + ", cohort: a, lendingLimit: {'a b': '1'}}", "a resource is cpu, memory"},
		"a huge limit":                {own + ", cohort: a, lendingLimit: {cpu: 1e30}}", "spec.queue.lendingLimit.cpu"},
		"two flavors for the rest":    {own + ", flavors: [{name: a}, {name: b}]}", "only one flavor may leave out resources"},
		"two flavors for a resource": {
			own + ", flavors: [{name: a, resources: [cpu]}, {name: b, resources: [cpu]}]}", "a resource has one flavor",
		},
		"borrowing without reclaiming": {
			own + ", preemption: {borrowWithinCohort: {policy: LowerPriority}}}", "borrowWithinCohort needs reclaimWithinCohort",
		},
		"a preemption that Kueue lacks": {own + ", preemption: {withinClusterQueue: Any}}", "spec.queue.preemption.withinClusterQueue"},
		"a cohort that is no name":      {own + ", cohort: A}", "spec.queue.cohort"},
		"a negative weight":             {own + ", fairSharing: {weight: '-1'}}", "spec.queue.fairSharing.weight"},
	}
}
