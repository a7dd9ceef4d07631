package web

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// watchWorkspaces streams the workspaces that match, and then each that changes.
func (a *ReadAPI) watchWorkspaces(c *echo.Context) error {
	r := c.Request()
	if err := a.ChargeRead(r); err != nil {
		return err
	}
	access := Access{Verb: verbWatch, Resource: ResourceWorkspaces}
	if err := a.authorize(c, access); err != nil {
		return err
	}
	q := newQuery(r.URL.Query(), append(filterParameters(), "watch")...)
	f := q.filter()
	if err := q.err(); err != nil {
		return err
	}
	w := &watch{api: a, filter: f}
	w.last, w.resumed = a.Feed.parse(r.Header.Get("Last-Event-ID"))
	return a.live.serve(c, r, access, w)
}

// watch is the source of GET /workspaces?watch=true. It sends the event workspace for each workspace that is new or changed, removed
// for one that is gone or no longer matches, and synced when the client has everything. Only synced has an id, so a client that comes
// back with it lacks nothing. The event reset precedes a list of everything.
type watch struct {
	api    *ReadAPI
	filter filter
	// last is the number of the last change that the client has, if resumed.
	last    uint64
	resumed bool
}

func (w *watch) send(ctx context.Context, out *eventWriter) error {
	newest, _ := w.api.Feed.next()
	changes, ok := map[Change]bool(nil), false
	if w.resumed {
		changes, ok = w.api.Feed.between(w.last, newest)
	}
	if ok && len(changes) == 0 && newest == w.last {
		return nil
	}
	var err error
	if ok {
		err = w.sendChanges(ctx, out, changes)
	} else {
		err = w.sendAll(ctx, out)
	}
	if err != nil {
		return err
	}
	w.last, w.resumed = newest, true
	return out.send("synced", w.api.Feed.id(newest), "{}")
}

func (*watch) refresh() time.Duration { return refreshInterval }

func (w *watch) sendAll(ctx context.Context, out *eventWriter) error {
	names, err := w.api.namesOf(ctx, w.filter)
	if err != nil {
		return err
	}
	if err := out.send("reset", "", "{}"); err != nil {
		return err
	}
	for _, name := range names {
		if err := w.sendNewest(ctx, out, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) sendChanges(ctx context.Context, out *eventWriter, changes map[Change]bool) error {
	for change := range changes {
		if change.Resource != ResourceWorkspaces {
			continue
		}
		if err := w.sendNewest(ctx, out, change.Name); err != nil {
			return err
		}
	}
	return nil
}

// sendNewest sends a workspace as it is now, or that it is gone or does not match.
func (w *watch) sendNewest(ctx context.Context, out *eventWriter, name string) error {
	var found v1alpha1.Workspace
	err := w.api.getCached(ctx, "workspace", name, &found)
	switch {
	case workspace.KindOf(err) == workspace.KindNotFound, err == nil && !w.filter.matches(&found):
		return w.sendJSON(out, "removed", removal{name})
	case err != nil:
		return err
	}
	return w.sendJSON(out, "workspace", w.api.summary(&found))
}

// removal is the data of the event removed.
type removal struct {
	WorkspaceID string `json:"workspace_id"`
}

func (*watch) sendJSON(out *eventWriter, event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return out.send(event, "", string(text))
}
