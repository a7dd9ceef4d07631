package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/printable"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// problem is an RFC 9457 answer. Its texts never hold a cause, a header or a secret.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Errors stands in every 422, and nowhere else.
	Errors []workspace.FieldError `json:"errors,omitzero"`

	retryAfter time.Duration
}

// kindStatus maps the kinds of errors to statuses, once. A kind that is not here is a 500.
var kindStatus = map[workspace.Kind]int{
	workspace.KindMalformed:    http.StatusBadRequest,
	workspace.KindInvalid:      http.StatusUnprocessableEntity,
	workspace.KindUnauthorized: http.StatusUnauthorized,
	workspace.KindForbidden:    http.StatusForbidden,
	workspace.KindNotFound:     http.StatusNotFound,
	workspace.KindConflict:     http.StatusConflict,
	workspace.KindLimited:      http.StatusTooManyRequests,
	workspace.KindUnavailable:  http.StatusServiceUnavailable,
}

// statusDetail is the detail of an answer that has none of its own, or may not show it.
var statusDetail = map[int]string{
	http.StatusNotFound:            "no such path",
	http.StatusMethodNotAllowed:    "this path does not accept this method; the header Allow lists those that it accepts",
	http.StatusInternalServerError: "the service failed; try again later",
	http.StatusServiceUnavailable:  "the service can't answer now; try again later",
}

// HandleError answers every error, as Echo's HTTPErrorHandler. Causes are logged and never shown.
func HandleError(c *echo.Context, err error) {
	if r, unwrapErr := echo.UnwrapResponse(c.Response()); unwrapErr == nil && r.Committed {
		return
	}
	p := problemOf(err)
	if _, deliberate := errors.AsType[*problem](err); !deliberate && p.Status >= http.StatusInternalServerError {
		c.Logger().Error("answering with an error", "status", p.Status, "error", err)
	}
	if err := p.write(c.Response()); err != nil {
		c.Logger().Debug("the client has closed the connection", "error", err)
	}
}

func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if refused, ok := errors.AsType[*workspace.Error](err); ok && kindStatus[refused.Kind] != 0 {
		return refusal(refused)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return newProblem(http.StatusServiceUnavailable, "")
	}
	return newProblem(cmp.Or(echo.StatusCode(err), http.StatusInternalServerError), "")
}

// refusal is the answer to an error that the sender may see.
func refusal(e *workspace.Error) *problem {
	p := newProblem(kindStatus[e.Kind], e.Detail)
	if p.Status == http.StatusUnprocessableEntity {
		p.Errors = boundedFields(e.Fields)
	}
	return p
}

func newProblem(status int, detail string) *problem {
	title := http.StatusText(status)
	detail = printable.Text(cmp.Or(detail, statusDetail[status], title), maxDetail)
	p := &problem{Type: "about:blank", Title: title, Status: status, Detail: detail}
	switch status {
	case http.StatusServiceUnavailable:
		p.retryAfter = retryUnavailable
	case http.StatusTooManyRequests:
		p.retryAfter = retryLimited
	}
	return p
}

// Error implements error, so that a handler can return its answer.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

func (p *problem) write(w http.ResponseWriter) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	w.WriteHeader(p.Status)
	_, err = w.Write(text)
	return err
}

func boundedFields(fields []workspace.FieldError) []workspace.FieldError {
	answered := make([]workspace.FieldError, min(len(fields), maxFields))
	for i := range answered {
		answered[i] = workspace.FieldError{
			Field: printable.Text(fields[i].Field, maxDetail), Message: printable.Text(fields[i].Message, maxDetail),
		}
	}
	return answered
}
