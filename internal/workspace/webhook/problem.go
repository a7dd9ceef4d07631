package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// problem is an RFC 9457 answer. Its texts never hold a cause, a header or a secret.
type problem struct {
	Type   string                 `json:"type"`
	Title  string                 `json:"title"`
	Status int                    `json:"status"`
	Detail string                 `json:"detail,omitempty"`
	Errors []workspace.FieldError `json:"errors,omitempty"`

	retryAfter time.Duration
}

// kindStatus maps the kinds of errors to statuses, once.
var kindStatus = map[workspace.Kind]int{
	workspace.KindInternal:     http.StatusInternalServerError,
	workspace.KindMalformed:    http.StatusBadRequest,
	workspace.KindInvalid:      http.StatusUnprocessableEntity,
	workspace.KindUnauthorized: http.StatusUnauthorized,
	workspace.KindConflict:     http.StatusConflict,
	workspace.KindLimited:      http.StatusTooManyRequests,
	workspace.KindUnavailable:  http.StatusServiceUnavailable,
}

// HandleError answers every error of the edge, as Echo's HTTPErrorHandler. Causes go to the log and nowhere else.
func HandleError(c *echo.Context, err error) {
	if r, unwrapErr := echo.UnwrapResponse(c.Response()); unwrapErr == nil && r.Committed {
		return
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		c.Logger().Error("answering with an error", "status", p.Status, "error", err)
	}
	if err := p.write(c.Response()); err != nil {
		c.Logger().Debug("the sender is gone", "error", err)
	}
}

func problemOf(err error) *problem {
	if ready, ok := errors.AsType[*problem](err); ok {
		return ready
	}
	if refused, ok := errors.AsType[*workspace.Error](err); ok {
		p := newProblem(kindStatus[refused.Kind], refused.Detail)
		p.Errors = boundedFields(refused.Fields)
		return p
	}
	if status := echo.StatusCode(err); status != 0 {
		return newProblem(status, "")
	}
	return newProblem(http.StatusInternalServerError, "")
}

func newProblem(status int, detail string) *problem {
	p := &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: bounded(detail)}
	switch status {
	case http.StatusServiceUnavailable:
		p.retryAfter = retryUnavailable
	case http.StatusTooManyRequests:
		p.retryAfter = retryLimited
	}
	return p
}

// Error implements error, so that a handler returns the very answer.
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
	fields = fields[:min(len(fields), maxFields)]
	for i := range fields {
		fields[i].Field = bounded(fields[i].Field)
		fields[i].Message = bounded(fields[i].Message)
	}
	return fields
}

func bounded(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	return strings.ToValidUTF8(text[:maxDetail], "") + "…"
}
