package web

import (
	"context"
	"time"

	"github.com/labstack/echo/v5"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// workspaceKeys are what workspaces can be sorted by.
var workspaceKeys = map[string]func(*v1alpha1.Workspace) string{
	"name":    func(*v1alpha1.Workspace) string { return "" }, // the order of all that have the same key
	"state":   func(w *v1alpha1.Workspace) string { return string(w.Spec.State) },
	"tier":    func(w *v1alpha1.Workspace) string { return w.Spec.Tier },
	"owner":   func(w *v1alpha1.Workspace) string { return string(w.Spec.Owner) },
	"reason":  func(w *v1alpha1.Workspace) string { return w.ReadyCondition().Reason },
	"created": func(w *v1alpha1.Workspace) string { return timeKey(w.CreationTimestamp) },
	"changed": func(w *v1alpha1.Workspace) string { return timeKey(w.ReadyCondition().LastTransitionTime) },
}

// timeKey sorts as the time does.
func timeKey(t metav1.Time) string { return t.UTC().Format(time.RFC3339) }

// workspacePage is a page of GET /workspaces.
type workspacePage struct {
	Workspaces []workspaceSummary `json:"workspaces"`
	// Total counts the workspaces that match the filters, on all pages.
	Total    int    `json:"total"`
	Continue string `json:"continue,omitempty"`
}

func (a *ReadAPI) listWorkspaces(c *echo.Context) (any, error) {
	q := newQuery(c.Request().URL.Query(), append(filterParameters(), "sort", "limit", "continue", "watch")...)
	q.oneOf("watch", "true", "false")
	f, limit := q.filter(), q.limit()
	sorted := newOrder(q, func(w *v1alpha1.Workspace) string { return w.Name }, workspaceKeys)
	after := sorted.after(q)
	if err := q.err(); err != nil {
		return nil, err
	}
	matching, err := a.matching(c.Request().Context(), f)
	if err != nil {
		return nil, err
	}
	page, next := sorted.page(matching, after, limit)
	answer := workspacePage{Workspaces: make([]workspaceSummary, len(page)), Total: len(matching), Continue: next}
	for i, w := range page {
		answer.Workspaces[i] = a.summary(w)
	}
	return answer, nil
}

func (a *ReadAPI) matching(ctx context.Context, f filter) (found []*v1alpha1.Workspace, err error) {
	var all v1alpha1.WorkspaceList
	if err := a.listCached(ctx, &all); err != nil {
		return nil, err
	}
	for i := range all.Items {
		if w := &all.Items[i]; f.matches(w) {
			found = append(found, w)
		}
	}
	return found, nil
}

// namesOf returns the names of the workspaces that match, for a stream: to a slow client it takes long to send them all, and a list of
// thousands of workspaces takes megabytes. At most maxListings are made at a time.
func (a *ReadAPI) namesOf(ctx context.Context, f filter) ([]string, error) {
	select {
	case a.listings <- struct{}{}:
		defer func() { <-a.listings }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	found, err := a.matching(ctx, f)
	names := make([]string, len(found))
	for i, w := range found {
		names[i] = w.Name
	}
	return names, err
}

func (a *ReadAPI) getWorkspace(c *echo.Context) (any, error) {
	if err := newQuery(c.Request().URL.Query()).err(); err != nil {
		return nil, err
	}
	var w v1alpha1.Workspace
	ctx := c.Request().Context()
	if err := a.getCached(ctx, "workspace", c.Param("id"), &w); err != nil {
		return nil, err
	}
	return a.detail(ctx, &w), nil // without Events, no object shows its last repair
}
