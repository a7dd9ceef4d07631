package web

import (
	"context"
	"net/url"
	"strings"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// listView is what the list of workspaces shows.
type listView struct {
	workspaces []workspaceSummary
	total      int
	sort       string
	// reasons and tiers are the values that a filter can have now.
	reasons, tiers []string
	values         url.Values
	next           string
}

func (p *Page) loadList(ctx context.Context, v *visit) (content, error) {
	q := newQuery(v.URL.Query(), append(filterParameters(), "sort", "continue")...)
	f := q.filter()
	sorted := newOrder(q, func(w *v1alpha1.Workspace) string { return w.Name }, workspaceKeys)
	after := sorted.after(q)
	if err := q.err(); err != nil {
		return content{}, err
	}
	var all v1alpha1.WorkspaceList
	if err := p.api.listCached(ctx, &all); err != nil {
		return content{}, err
	}
	matching := f.matching(all.Items)
	page, next := sorted.page(matching, after, pageSize)
	view := listView{total: len(matching), sort: sorted.sort, values: q.values, next: next}
	view.setFilterValues(all.Items)
	for _, w := range page {
		view.workspaces = append(view.workspaces, p.api.summary(w))
	}
	return content{
		title: "Workspaces", tab: "workspaces", head: listFilters(v, &view), body: listBody(v, &view), shows: showsWorkspaces,
	}, nil
}

// setFilterValues sets the reasons and tiers that some workspace has.
func (l *listView) setFilterValues(all []v1alpha1.Workspace) {
	reasons, tiers := map[string]bool{}, map[string]bool{}
	for i := range all {
		tiers[all[i].Spec.Tier] = true
		if reason := all[i].ReadyCondition().Reason; reason != "" {
			reasons[reason] = true
		}
	}
	l.reasons, l.tiers = sortedKeys(reasons), sortedKeys(tiers)
}

// with returns the URL of the list with one other parameter, from its first page.
func (l *listView) with(v *visit, name, value string) string {
	values := url.Values{}
	for key, given := range l.values {
		if key != "continue" && given[0] != "" {
			values[key] = given
		}
	}
	values.Set(name, value)
	if value == "" {
		values.Del(name)
	}
	return strings.TrimSuffix(v.base+"/ui/workspaces?"+values.Encode(), "?")
}

// sortedBy returns the URL of the list in the order of a column, or in its reverse if it has that order.
func (l *listView) sortedBy(v *visit, key string) string {
	if l.sort == key {
		key = "-" + key
	}
	return l.with(v, "sort", key)
}

// direction is the value of aria-sort of a column.
func (l *listView) direction(key string) string {
	switch l.sort {
	case key:
		return "ascending"
	case "-" + key:
		return "descending"
	}
	return "none"
}

// isFiltered reports whether the list lacks workspaces on purpose.
func (l *listView) isFiltered() bool {
	for _, name := range filterParameters() {
		if l.values.Get(name) != "" {
			return true
		}
	}
	return false
}
