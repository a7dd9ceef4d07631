package webhook

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v5"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// handleProvision is the synchronous form of a workspace.created: it stores the event, then waits. Without a version it
// creates an unknown workspace, and changes nothing otherwise.
func (h *Handler) handleProvision(c *echo.Context, a *attempt) error {
	var data workspace.Data
	in, err := h.receive(c, a, func(body []byte, mediaType string) (err error) {
		if mediaType != mediaJSON {
			return newProblem(http.StatusUnsupportedMediaType, "the Content-Type must be "+mediaJSON)
		}
		data, err = h.Validator.DecodeData(body)
		a.decoded(eventProvision, &data)
		return err
	})
	if err != nil {
		return err
	}
	event := workspace.Event{Type: workspace.EventCreated, Data: data}
	w, recorded, err := h.record(c, event, in)
	if err != nil {
		return err
	}
	a.outcome = string(recorded)
	return h.awaitReady(c, w)
}

func (h *Handler) awaitReady(c *echo.Context, stored *v1alpha1.Workspace) error {
	if !h.waiting.TryAcquire(1) { // the event is stored: only the wait is refused
		return h.answerPending(c, stored.Name)
	}
	defer h.waiting.Release(1)
	defer inFlight(h.metrics.waiting)()
	ctx, cancel := h.provisionContext(c.Request().Context())
	defer cancel()
	w, err := h.Store.Await(ctx, stored.Name, func(w *v1alpha1.Workspace) bool {
		ready := w.ReadyCondition()
		return ready.ObservedGeneration >= stored.Generation && isFinal(ready)
	})
	switch {
	case err == nil:
		return h.answerReady(c, w)
	case ctx.Err() == nil:
		return err
	}
	return h.answerPending(c, stored.Name)
}

// answerReady answers with the outcome of the workspace, as far as it is known.
func (h *Handler) answerReady(c *echo.Context, w *v1alpha1.Workspace) error {
	switch w.ReadyCondition().Reason {
	case v1alpha1.ReasonConflict:
		return newProblem(http.StatusConflict, "the namespace or the Flyte project of this workspace belongs to someone else")
	case v1alpha1.ReasonReady:
		success := h.location(w.Name, "success")
		success.StatusURL, success.Namespaces, success.ConsoleURLs = "", w.Status.Namespaces, h.DomainURLs(w.Name)
		return c.JSON(http.StatusOK, success)
	}
	return h.answerPending(c, w.Name)
}

func (h *Handler) answerPending(c *echo.Context, id string) error {
	pending := h.location(id, "pending")
	c.Response().Header().Set("Location", pending.StatusURL)
	return c.JSON(http.StatusAccepted, pending)
}

// provisionContext ends with ProvisionTimeout, or when the process begins to stop.
func (h *Handler) provisionContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, h.ProvisionTimeout)
	go func() {
		select {
		case <-h.Draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// isFinal reports whether the condition will not change by waiting.
func isFinal(ready metav1.Condition) bool {
	return ready.Status == metav1.ConditionTrue || v1alpha1.RequiresAction(ready.Reason) || ready.Reason == v1alpha1.ReasonPurgePaused
}
