package main

import "context"

// part is one group of figures. It has its own control plane, since the objects of another part would slow it down.
type part struct {
	name string
	// template is NAMESPACE_TEMPLATE; with {domain}, a workspace has three namespaces.
	template string
	measure  func(context.Context, *environment, sizes) ([]row, error)
	// kueue is whether Kueue runs beside the service.
	kueue bool
}

var parts = []part{
	{name: "idle", template: oneNamespace, measure: idle},
	{name: "throughput", template: oneNamespace, measure: throughput},
	{name: "domains", template: perDomain, measure: throughput},
	{name: "drift", template: oneNamespace, measure: drift},
	{name: "tier", template: oneNamespace, measure: tierChange},
	{name: "standing", template: oneNamespace, measure: standing},
	{name: "queues", template: oneNamespace, measure: queues, kueue: true},
}

const (
	oneNamespace = "{prefix}{project}"
	perDomain    = "{prefix}{project}-{domain}"
)

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// sizes are the numbers of workspaces and seconds to measure with.
type sizes struct {
	// idle workspaces are created one after the other.
	idle int
	// crowd is how many webhooks are sent at once.
	crowd int
	// drifted workspaces have one object changed each.
	drifted int
	// followers are the workspaces whose tier changes.
	followers int
	// standing are the numbers of workspaces beside which the next one is timed.
	standing []int
	// queued workspaces have a queue each.
	queued int
	// streamed is how many workspaces are created at once beside open streams.
	streamed int
	// atRest is how many seconds an idle service is observed.
	atRest int
}

// share returns a percentage of these sizes, rounded up, except for atRest.
func (s sizes) share(percent int) sizes {
	part := func(n int) int { return max(1, (n*percent+99)/100) }
	s.idle, s.crowd, s.drifted, s.followers = part(s.idle), part(s.crowd), part(s.drifted), part(s.followers)
	s.queued = part(s.queued)
	standing := make([]int, len(s.standing))
	for i, n := range s.standing {
		standing[i] = part(n)
	}
	s.standing = standing
	return s
}

var (
	fullSizes = sizes{
		idle: 100, crowd: 1000, drifted: 500, followers: 1000, standing: []int{100, 1000, 5000}, queued: 500, streamed: 200, atRest: 30,
	}
	quickSizes = sizes{idle: 5, crowd: 20, drifted: 10, followers: 10, standing: []int{10, 20}, queued: 20, streamed: 20, atRest: 2}
)
