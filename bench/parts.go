package main

import "context"

// part is one group of figures. It has a control plane of its own: what an earlier part left standing would slow it.
type part struct {
	name string
	// template makes the names of namespaces; with {domain} there are three of them.
	template string
	measure  func(context.Context, *world, sizes) ([]row, error)
}

var parts = []part{
	{name: "idle", template: oneNamespace, measure: idle},
	{name: "throughput", template: oneNamespace, measure: throughput},
	{name: "domains", template: perDomain, measure: throughput},
	{name: "drift", template: oneNamespace, measure: drift},
	{name: "tier", template: oneNamespace, measure: tierChange},
	{name: "standing", template: oneNamespace, measure: standing},
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

// sizes say how much is measured.
type sizes struct {
	// idle workspaces are made one after the other.
	idle int
	// crowd arrives at once.
	crowd int
	// drifted objects are changed by hand, one in each of as many workspaces.
	drifted int
	// followers are the workspaces of the tier that changes.
	followers int
	// standing are how many workspaces there are when the next one is timed.
	standing []int
	// atRest is for how many seconds nothing happens.
	atRest int
}

// share is so many percent of these sizes, rounded up. At rest nothing gets quicker.
func (s sizes) share(percent int) sizes {
	part := func(n int) int { return max(1, (n*percent+99)/100) }
	s.idle, s.crowd, s.drifted, s.followers = part(s.idle), part(s.crowd), part(s.drifted), part(s.followers)
	standing := make([]int, len(s.standing))
	for i, n := range s.standing {
		standing[i] = part(n)
	}
	s.standing = standing
	return s
}

var (
	fullSizes  = sizes{idle: 100, crowd: 1000, drifted: 500, followers: 1000, standing: []int{100, 1000, 5000}, atRest: 30}
	quickSizes = sizes{idle: 5, crowd: 20, drifted: 10, followers: 10, standing: []int{10, 20}, atRest: 2}
)
