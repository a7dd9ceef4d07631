package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// query reads the parameters of a request, each at most once, and collects what is wrong with them.
type query struct {
	values url.Values
	wrong  []string
}

// newQuery refuses parameters that are not known: a filter with a typo would show everything.
func newQuery(values url.Values, known ...string) *query {
	q := &query{values: values}
	size := 0
	for name, given := range values {
		size += len(name) + len(strings.Join(given, ""))
		switch {
		case !slices.Contains(known, name):
			q.refuse("there is no parameter %s", printable.Text(name, 32))
		case len(given) > 1:
			q.refuse("%s is given twice", name)
		}
	}
	if size > maxQuery {
		q.refuse("the parameters are longer than %d bytes", maxQuery)
	}
	slices.Sort(q.wrong)
	return q
}

func (q *query) refuse(format string, args ...any) {
	q.wrong = append(q.wrong, fmt.Sprintf(format, args...))
}

// err is a KindMalformed error with all that is wrong, or nil.
func (q *query) err() error {
	if len(q.wrong) == 0 {
		return nil
	}
	return &workspace.Error{Kind: workspace.KindMalformed, Detail: strings.Join(q.wrong, "; ")}
}

// oneOf returns the values of a comma-separated parameter, each of which must be allowed; nil if it is not given.
func (q *query) oneOf(name string, allowed ...string) []string {
	text := q.values.Get(name)
	if text == "" {
		return nil
	}
	given := strings.Split(text, ",")
	for _, value := range given {
		if len(allowed) > 0 && !slices.Contains(allowed, value) {
			q.refuse("%s must be one of %s", name, strings.Join(allowed, ", "))
			break
		}
	}
	return given
}

// limit returns the number of items of a page.
func (q *query) limit() int {
	text := q.values.Get("limit")
	if text == "" {
		return defaultLimit
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		q.refuse("limit must be a number from 1 to %d", maxLimit)
	}
	return limit
}

// filter is what a workspace must match. An empty field matches every workspace.
type filter struct {
	states, tiers, reasons, ready, owners []string
	labels                                labels.Selector
	text                                  string
}

// filterParameters are the parameters that filter reads.
func filterParameters() []string {
	return []string{"state", "tier", "ready", "reason", "owner", "label", "q"}
}

func (q *query) filter() filter {
	selector, err := labels.Parse(q.values.Get("label"))
	if err != nil {
		q.refuse("label must be a label selector such as team=a,env!=dev")
	}
	var owners []string
	if owner := q.values.Get("owner"); owner != "" {
		owners = []string{owner}
	}
	return filter{
		states: q.oneOf("state", string(v1alpha1.StateActive), string(v1alpha1.StateSuspended), string(v1alpha1.StateDeleted)),
		tiers:  q.oneOf("tier"), reasons: q.oneOf("reason"), ready: q.oneOf("ready", "true", "false"),
		owners: owners, labels: selector, text: strings.ToLower(q.values.Get("q")),
	}
}

// matching are the workspaces that pass the filter.
func (f filter) matching(all []v1alpha1.Workspace) (found []*v1alpha1.Workspace) {
	for i := range all {
		if f.matches(&all[i]) {
			found = append(found, &all[i])
		}
	}
	return found
}

// matches reports whether a workspace passes the filter.
func (f filter) matches(w *v1alpha1.Workspace) bool {
	condition := w.ReadyCondition()
	return anyOf(f.states, string(w.Spec.State)) && anyOf(f.tiers, w.Spec.Tier) && anyOf(f.owners, string(w.Spec.Owner)) &&
		anyOf(f.reasons, condition.Reason) && anyOf(f.ready, strconv.FormatBool(isTrue(condition))) &&
		(f.labels.Empty() || f.labels.Matches(labelsOf(w))) && f.matchesText(w)
}

func anyOf(wanted []string, value string) bool {
	return wanted == nil || slices.Contains(wanted, value)
}

func (f filter) matchesText(w *v1alpha1.Workspace) bool {
	if f.text == "" {
		return true
	}
	return slices.ContainsFunc([]string{w.Name, string(w.Spec.DisplayName), string(w.Spec.Description), string(w.Spec.Owner)},
		func(text string) bool { return strings.Contains(strings.ToLower(text), f.text) })
}

func labelsOf(w *v1alpha1.Workspace) labels.Set {
	set := make(labels.Set, len(w.Spec.Labels))
	for key, value := range w.Spec.Labels {
		set[key] = string(value)
	}
	return set
}
