package web

import (
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tier is a WorkspaceTier. Its spec has the fields of docs/tiers.md. Its status is nil before the service first writes it.
type tier struct {
	Name   string                     `json:"name"`
	Spec   v1alpha1.WorkspaceTierSpec `json:"spec"`
	Status *tierStatus                `json:"status,omitempty"`
}

// tierStatus is how many workspaces are on a tier, and whether the tier's newest change has reached them.
type tierStatus struct {
	Workspaces int32 `json:"workspaces"`
	Conforming int32 `json:"conforming"`
	// Current says that the status is of the newest generation.
	Current    bool        `json:"current"`
	Conditions []condition `json:"conditions"`
}

func newTier(t *v1alpha1.WorkspaceTier) tier {
	shown := tier{Name: t.Name, Spec: t.Spec}
	if t.Status.ObservedGeneration == 0 {
		return shown
	}
	shown.Status = &tierStatus{
		Workspaces: t.Status.Workspaces, Conforming: t.Status.Conforming, Current: t.Status.ObservedGeneration == t.Generation,
		Conditions: []condition{},
	}
	for _, c := range t.Status.Conditions {
		shown.Status.Conditions = append(shown.Status.Conditions, condition{c.Type, c.Status, c.Reason, c.Message, c.LastTransitionTime})
	}
	return shown
}

// tierPage is a page of GET /tiers.
type tierPage struct {
	Tiers    []tier `json:"tiers"`
	Total    int    `json:"total"`
	Continue string `json:"continue,omitempty"`
}

// tierKeys are what tiers can be sorted by.
var tierKeys = map[string]func(tier) string{"name": func(tier) string { return "" }}

func (a *ReadAPI) listTiers(c *echo.Context) (any, error) {
	q := newQuery(c.Request().URL.Query(), "sort", "limit", "continue")
	limit, sorted := q.limit(), newOrder(q, func(t tier) string { return t.Name }, tierKeys)
	after := sorted.after(q)
	if err := q.err(); err != nil {
		return nil, err
	}
	var all v1alpha1.WorkspaceTierList
	if err := a.listCached(c.Request().Context(), &all); err != nil {
		return nil, err
	}
	tiers := make([]tier, len(all.Items))
	for i := range all.Items {
		tiers[i] = newTier(&all.Items[i])
	}
	page, next := sorted.page(tiers, after, limit)
	return tierPage{Tiers: page, Total: len(tiers), Continue: next}, nil
}

func (a *ReadAPI) getTier(c *echo.Context) (any, error) {
	if err := newQuery(c.Request().URL.Query()).err(); err != nil {
		return nil, err
	}
	var found v1alpha1.WorkspaceTier
	if err := a.getCached(c.Request().Context(), "tier", c.Param("name"), &found); err != nil {
		return nil, err
	}
	return newTier(&found), nil
}
