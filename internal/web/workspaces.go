package web

import (
	"context"
	"fmt"
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
	var answer workspacePage
	ctx := c.Request().Context()
	err := a.withListing(ctx, func() error {
		matching, err := a.matching(ctx, f)
		page, next := sorted.page(matching, after, limit)
		answer = workspacePage{Workspaces: make([]workspaceSummary, len(page)), Total: len(matching), Continue: next}
		for i, w := range page {
			answer.Workspaces[i] = a.summary(w)
		}
		return err
	})
	return answer, err
}

// withListing calls read, which lists all workspaces and keeps few of them. At most maxListings are under way.
func (a *ReadAPI) withListing(ctx context.Context, read func() error) error {
	wait, cancel := context.WithTimeout(ctx, listingWait)
	defer cancel()
	select {
	case a.listings <- struct{}{}:
		defer func() { <-a.listings }()
		return read()
	case <-wait.Done():
		return unavailable(fmt.Errorf("waiting to list all workspaces: %w", wait.Err()))
	}
}

func (a *ReadAPI) matching(ctx context.Context, f filter) (found []*v1alpha1.Workspace, err error) {
	var all v1alpha1.WorkspaceList
	if err := a.listCached(ctx, &all); err != nil {
		return nil, err
	}
	return f.matching(all.Items), nil
}

// namesOf returns the names of the workspaces that match, for a stream: to a slow client it takes long to send them all.
func (a *ReadAPI) namesOf(ctx context.Context, f filter) (names []string, err error) {
	err = a.withListing(ctx, func() error {
		found, err := a.matching(ctx, f)
		for _, w := range found {
			names = append(names, w.Name)
		}
		return err
	})
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
