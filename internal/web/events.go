package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/labstack/echo/v5"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// eventList is the answer of GET /workspaces/{id}/events, the newest first.
type eventList struct {
	Events []event `json:"events"`
}

// event is a Kubernetes Event about a workspace.
type event struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	Note   string `json:"note"`
	// Object is what it is about beside the workspace.
	Object   *ObjectRef  `json:"object,omitempty"`
	Reporter string      `json:"reporter,omitempty"`
	Count    int32       `json:"count"`
	First    metav1.Time `json:"first_at"`
	Last     metav1.Time `json:"last_at"`
}

func (a *ReadAPI) listEvents(c *echo.Context) (any, error) {
	ctx := c.Request().Context()
	if err := newQuery(c.Request().URL.Query()).err(); err != nil {
		return nil, err
	}
	var w v1alpha1.Workspace
	if err := a.getCached(ctx, "workspace", c.Param("id"), &w); err != nil {
		return nil, err
	}
	found, err := a.eventsOf(ctx, w.Name)
	if err != nil {
		return nil, err
	}
	return eventList{found}, nil
}

// eventsOf reads the Events about a workspace, the newest first.
func (a *ReadAPI) eventsOf(ctx context.Context, name string) ([]event, error) {
	var found eventsv1.EventList
	about := fields.AndSelectors(
		fields.OneTermEqualSelector("regarding.kind", "Workspace"), fields.OneTermEqualSelector("regarding.name", name))
	err := a.readLive(ctx, func(ctx context.Context) error {
		return a.Live.List(ctx, &found, client.InNamespace(metav1.NamespaceDefault), client.Limit(maxEventsRead),
			client.MatchingFieldsSelector{Selector: about})
	})
	if err != nil {
		return nil, unavailable(fmt.Errorf("listing the Events of the workspace %q: %w", name, err))
	}
	events := make([]event, len(found.Items))
	for i := range found.Items {
		events[i] = eventOf(&found.Items[i])
	}
	slices.SortStableFunc(events, func(a, b event) int { return b.Last.Compare(a.Last.Time) })
	return events[:min(maxEvents, len(events))], nil
}

// eventOf shows an Event. Other programs may have written it, in the older form too.
func eventOf(e *eventsv1.Event) event {
	shown := event{
		Type: printable.Text(e.Type, maxText), Reason: printable.Text(e.Reason, maxText), Note: printable.Text(e.Note, maxText),
		Reporter: printable.Text(cmp.Or(e.ReportingController, e.DeprecatedSource.Component), maxText),
		Count:    max(1, e.DeprecatedCount), First: metav1.Time{Time: e.EventTime.Time},
	}
	if o := e.Related; o != nil {
		shown.Object = &ObjectRef{
			printable.Text(o.Kind, maxText), printable.Text(o.Namespace, maxText), printable.Text(o.Name, maxText),
		}
	}
	if shown.First.IsZero() {
		shown.First = cmp.Or(e.DeprecatedFirstTimestamp, e.CreationTimestamp)
	}
	shown.Last = shown.First
	switch {
	case e.Series != nil:
		shown.Count, shown.Last = e.Series.Count, metav1.Time{Time: e.Series.LastObservedTime.Time}
	case !e.DeprecatedLastTimestamp.IsZero():
		shown.Last = e.DeprecatedLastTimestamp
	}
	return shown
}
