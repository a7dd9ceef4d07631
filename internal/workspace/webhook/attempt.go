package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v5"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"platform.company.com/workspace-flyte-integration/internal/printable"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Values of the label event beside the types of events.
const (
	eventNone      = "none"    // the body was not decoded
	eventUnknown   = "unknown" // of another type
	eventProvision = "provision"
)

// attempt is what is known of a request on a POST route, for the metrics and the log.
type attempt struct {
	event, outcome string
	// delivery is the webhook-id once the signature is verified.
	delivery string
	// workspace is the id that the body names, valid or not.
	workspace string
	received  time.Time
	// span records nothing before startSpan.
	span trace.Span
}

func newAttempt() *attempt {
	return &attempt{
		event: eventNone, received: time.Now(), span: noop.Span{},
		outcome: strconv.Itoa(http.StatusInternalServerError), // unless the handler returns
	}
}

// decoded notes what the body says.
func (a *attempt) decoded(event string, data *workspace.Data) {
	a.event, a.workspace = event, printable.Text(data.WorkspaceID, maxLoggedID)
}

// labelOf is the value of the label event.
func labelOf(kind workspace.EventType) string {
	switch {
	case kind.Known():
		return string(kind)
	case kind == "":
		return eventNone
	}
	return eventUnknown
}

// instrument returns an Echo handler that counts requests by event and outcome, or by the status of their error, observes their time, ends
// their spans, and logs those that are signed and refused.
func (h *Handler) instrument(handle func(*echo.Context, *attempt) error) echo.HandlerFunc {
	return func(c *echo.Context) (err error) {
		a := newAttempt()
		defer pin(c.Request().Context())()
		defer func() {
			h.metrics.deliveries.WithLabelValues(a.event, a.outcome).Inc()
			h.metrics.seconds.Observe(time.Since(a.received).Seconds())
			a.endSpan()
		}()
		if err = handle(c, a); err != nil {
			p := problemOf(err)
			a.outcome = strconv.Itoa(p.Status)
			h.logRefusal(c, a, p, err)
		}
		return err
	}
}

// logRefusal logs a signed request that was refused: only its sender can correct it. A flood of them leaves some out; the metric counts
// all. A version that is used twice is counted, too.
func (h *Handler) logRefusal(c *echo.Context, a *attempt, p *problem, err error) {
	conflict, conflicts := errors.AsType[*workspace.VersionConflictError](err)
	if conflicts {
		h.metrics.conflicts.WithLabelValues(string(conflict.Register)).Inc()
	}
	if a.delivery == "" || p.Status >= http.StatusInternalServerError || !h.refusals.AllowN(h.Now(), 1) {
		return
	}
	log := c.Logger().Info
	if conflicts {
		log = c.Logger().Warn
	}
	log("refused a signed request", "delivery", a.delivery, "event", a.event, "workspace", a.workspace, "status", p.Status,
		"reason", p.Detail, "fields", p.Errors)
}
