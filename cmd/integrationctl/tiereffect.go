package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// tierEffect is what a changed tier does to the workspaces on it.
type tierEffect struct {
	now, then *v1alpha1.WorkspaceTier
}

// rows are one workspace's amounts that change, in each domain of either tier, and whether it may still use the tier.
func (e tierEffect) rows(w *v1alpha1.Workspace) (rows []metav1.TableRow) {
	may := map[bool]string{true: "yes", false: "no"}
	if was, is := workspace.TierAllows(e.now, w.Name), workspace.TierAllows(e.then, w.Name); was != is {
		rows = append(rows, metav1.TableRow{Cells: []any{w.Name, "may use the tier", may[was], may[is], ""}})
	}
	known := map[string]bool{}
	for _, domain := range e.domains() {
		for _, change := range e.changes(w, domain) {
			of := change.key
			if domain != "" && !e.inGeneral(w, change) {
				of += " in " + domain
			}
			if !known[of] {
				known[of] = true
				rows = append(rows, metav1.TableRow{Cells: []any{w.Name, of, change.now, change.then, change.note}})
			}
		}
	}
	return rows
}

// inGeneral reports whether the same amount changes in the same way outside of domains.
func (e tierEffect) inGeneral(w *v1alpha1.Workspace, change amountChange) bool {
	return slices.Contains(e.changes(w, ""), change)
}

// domains are "" and those that either tier names.
func (e tierEffect) domains() []string {
	all := map[string]bool{"": true}
	for _, tier := range []*v1alpha1.WorkspaceTier{e.now, e.then} {
		for domain := range tier.Spec.Domains {
			all[domain] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// amountChange is an amount of a workspace's quota that differs between two tiers.
type amountChange struct{ key, now, then, note string }

func (e tierEffect) changes(w *v1alpha1.Workspace, domain string) (changes []amountChange) {
	now, clampedNow := workspace.EffectiveQuota(w.Spec.Quota, e.now, domain)
	then, clamped := workspace.EffectiveQuota(w.Spec.Quota, e.then, domain)
	for _, key := range keysOf(now, then) {
		change := amountChange{key: key, now: amountText(now, key), then: amountText(then, key)}
		was, is := slices.Contains(clampedNow, key), slices.Contains(clamped, key)
		switch {
		case is:
			change.note = "clamped: it asks for more"
		case was:
			change.note = "clamped no more"
		}
		if change.now != change.then || was != is {
			changes = append(changes, change)
		}
	}
	return changes
}

func amountText(amounts map[string]resource.Quantity, key string) string {
	if amount, limited := amounts[key]; limited {
		return amount.String()
	}
	return "unlimited"
}

// sortByWorkspace keeps the order of one workspace's rows.
func sortByWorkspace(rows []metav1.TableRow) {
	slices.SortStableFunc(rows, func(a, b metav1.TableRow) int {
		return cmp.Compare(strings.ToLower(a.Cells[0].(string)), strings.ToLower(b.Cells[0].(string)))
	})
}
