package web

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// overview is what the first page shows.
type overview struct {
	total  int
	states []stateCount
	// failing are the workspaces that are not Ready, by reason: first those for which a person must act, then the largest groups.
	failing    []failingGroup
	actions    int // workspaces for which a person must act
	waiting    int // other workspaces that are not Ready
	lastHour   lastHour
	components []Component
	recent     []workspaceSummary
}

// stateCount counts the workspaces of a desired state.
type stateCount struct {
	state           v1alpha1.State
	ready, notReady int
}

// failingGroup are the workspaces that are not Ready for one reason.
type failingGroup struct {
	reason string
	action bool
	remedy remedy
	count  int
	since  metav1.Time
	first  []*v1alpha1.Workspace // the ones that wait longest
}

// lastHour is what happened in the last hour, as far as the workspaces tell.
type lastHour struct {
	created, ready  int
	median, slowest time.Duration
	changed         int
}

func (p *Page) loadOverview(ctx context.Context, v *visit) (content, error) {
	if err := newQuery(v.URL.Query()).err(); err != nil {
		return content{}, err
	}
	var all v1alpha1.WorkspaceList
	if err := p.api.listCached(ctx, &all); err != nil {
		return content{}, err
	}
	o := p.overviewOf(all.Items, v.now)
	o.components = p.Components(ctx)
	return content{title: "Overview", tab: "overview", body: overviewBody(v, o), shows: showsWorkspaces}, nil
}

func showsWorkspaces(change Change) bool { return change.Resource == ResourceWorkspaces }

func (p *Page) overviewOf(all []v1alpha1.Workspace, now time.Time) overview {
	o := overview{total: len(all), states: countStates(all), lastHour: lastHourOf(all, now)}
	o.addGroups(p.failingGroups(all))
	for _, w := range recentlyChanged(all) {
		o.recent = append(o.recent, p.api.summary(w))
	}
	return o
}

func countStates(all []v1alpha1.Workspace) []stateCount {
	counts := []stateCount{{state: v1alpha1.StateActive}, {state: v1alpha1.StateSuspended}, {state: v1alpha1.StateDeleted}}
	for i := range all {
		state := cmp.Or(all[i].Spec.State, v1alpha1.StateActive)
		count := &counts[slices.IndexFunc(counts, func(c stateCount) bool { return c.state == state })]
		if isTrue(all[i].ReadyCondition()) {
			count.ready++
		} else {
			count.notReady++
		}
	}
	return counts
}

// failingGroups are the workspaces that are not Ready, by reason, still all of them and in no order.
func (p *Page) failingGroups(all []v1alpha1.Workspace) map[string]*failingGroup {
	groups := map[string]*failingGroup{}
	for i := range all {
		ready := all[i].ReadyCondition()
		if isTrue(ready) {
			continue
		}
		if groups[ready.Reason] == nil {
			groups[ready.Reason] = &failingGroup{
				reason: ready.Reason, action: v1alpha1.RequiresAction(ready.Reason), remedy: p.remedies[ready.Reason],
			}
		}
		groups[ready.Reason].first = append(groups[ready.Reason].first, &all[i])
	}
	return groups
}

// recentlyChanged are the workspaces that changed last, the newest first.
func recentlyChanged(all []v1alpha1.Workspace) []*v1alpha1.Workspace {
	recent := make([]*v1alpha1.Workspace, len(all))
	for i := range all {
		recent[i] = &all[i]
	}
	slices.SortFunc(recent, func(a, b *v1alpha1.Workspace) int { return cmp.Or(-compareChanged(a, b), cmp.Compare(a.Name, b.Name)) })
	return recent[:min(maxRecent, len(recent))]
}

func (o *overview) addGroups(groups map[string]*failingGroup) {
	for _, g := range groups {
		slices.SortFunc(g.first, func(a, b *v1alpha1.Workspace) int { return cmp.Or(compareChanged(a, b), cmp.Compare(a.Name, b.Name)) })
		g.count, g.since = len(g.first), changedAt(g.first[0])
		g.first = g.first[:min(maxNamed, len(g.first))]
		if g.action {
			o.actions += g.count
		} else {
			o.waiting += g.count
		}
		o.failing = append(o.failing, *g)
	}
	rank := func(g failingGroup) int {
		if g.action {
			return 0
		}
		return 1
	}
	slices.SortFunc(o.failing, func(a, b failingGroup) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.count, a.count), cmp.Compare(a.reason, b.reason))
	})
}

// changedAt is when Ready changed last, or when the workspace was created.
func changedAt(w *v1alpha1.Workspace) metav1.Time {
	if at := w.ReadyCondition().LastTransitionTime; !at.IsZero() {
		return at
	}
	return w.CreationTimestamp
}

func compareChanged(a, b *v1alpha1.Workspace) int { return changedAt(a).Compare(changedAt(b).Time) }

// lastHourOf reads how long workspaces took to be Ready from those that were created in the last hour and are Ready: for older ones,
// the transition of Ready is not the first.
func lastHourOf(all []v1alpha1.Workspace, now time.Time) (l lastHour) {
	since := now.Add(-time.Hour)
	var took []time.Duration
	for i := range all {
		w := &all[i]
		if changedAt(w).After(since) {
			l.changed++
		}
		if !w.CreationTimestamp.After(since) {
			continue
		}
		l.created++
		if ready := w.ReadyCondition(); isTrue(ready) {
			l.ready++
			took = append(took, max(0, ready.LastTransitionTime.Sub(w.CreationTimestamp.Time)))
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		l.median, l.slowest = took[len(took)/2], took[len(took)-1]
	}
	return l
}
