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
	o := overview{total: len(all), lastHour: lastHourOf(all, now)}
	counts, groups := map[v1alpha1.State]*stateCount{}, map[string]*failingGroup{}
	for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		counts[state] = &stateCount{state: state}
	}
	recent := make([]*v1alpha1.Workspace, 0, len(all))
	for i := range all {
		w := &all[i]
		recent = append(recent, w)
		count := counts[cmp.Or(w.Spec.State, v1alpha1.StateActive)]
		if isTrue(w.ReadyCondition()) {
			count.ready++
			continue
		}
		count.notReady++
		reason := w.ReadyCondition().Reason
		if groups[reason] == nil {
			groups[reason] = &failingGroup{reason: reason, action: v1alpha1.RequiresAction(reason), remedy: p.remedies[reason]}
		}
		groups[reason].first = append(groups[reason].first, w)
	}
	for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		o.states = append(o.states, *counts[state])
	}
	o.addGroups(groups)
	slices.SortFunc(recent, func(a, b *v1alpha1.Workspace) int { return cmp.Or(-compareChanged(a, b), cmp.Compare(a.Name, b.Name)) })
	for _, w := range recent[:min(maxRecent, len(recent))] {
		o.recent = append(o.recent, p.api.summary(w))
	}
	return o
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
