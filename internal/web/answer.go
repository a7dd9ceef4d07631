package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// pagePolicy lets pages run and show this service's own files, and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// setPageHeaders keeps pages and fragments out of all caches, and other sites out of the pages.
func setPageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "HX-Request, Cookie, Authorization")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // without it, browsers send no Origin with a form
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// answer renders a page, and sends it whole or not at all.
func (*Page) answer(c *echo.Context, v *visit, status int, page templ.Component) error {
	var text bytes.Buffer
	if err := page.Render(v.Context(), &text); err != nil {
		return fmt.Errorf("rendering a page: %w", err)
	}
	setPageHeaders(c.Response().Header())
	return c.HTMLBlob(status, text.Bytes())
}

// failure is what a page says instead of its content.
type failure struct {
	status        int
	title, detail string
}

// failureOf is what people are told of an error.
func failureOf(err error) failure {
	refused, ok := errors.AsType[*workspace.Error](err)
	if !ok {
		return failure{http.StatusInternalServerError, "The service failed", "Try again. If it happens again, see the log of the service."}
	}
	switch refused.Kind {
	case workspace.KindMalformed:
		return failure{http.StatusBadRequest, "This filter can't be used", refused.Detail}
	case workspace.KindUnauthorized:
		return failure{http.StatusUnauthorized, "The token is not accepted", "The cluster does not accept the token that came with this " +
			"request. If a proxy signs you in, sign in there again."}
	case workspace.KindForbidden:
		return failure{http.StatusForbidden, "You may not see this", refused.Detail}
	case workspace.KindNotFound:
		return failure{http.StatusNotFound, "Not found", refused.Detail}
	case workspace.KindLimited:
		return failure{http.StatusTooManyRequests, "Too many requests", refused.Detail}
	default:
		return failure{http.StatusServiceUnavailable, "The Kubernetes API can't answer now", "This page shows again when it does. " +
			"Nothing is lost: accepted events are stored."}
	}
}

// fail answers with an error: a page, or its content alone. Who is not signed in is sent to the sign-in and back.
func (p *Page) fail(c *echo.Context, v *visit, err error) error {
	if workspace.KindOf(err) == workspace.KindUnauthorized && p.identifier != nil && (v.hasCookie || v.Header.Get("Authorization") == "") {
		return p.toSignIn(c, v)
	}
	f := failureOf(err)
	if f.status >= http.StatusInternalServerError {
		c.Logger().Error("answering with an error", "status", f.status, "error", err)
	}
	if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "2")
	}
	v.identify(p)
	body := failureBody(v, f)
	if v.isFragment() {
		return p.answer(c, v, f.status, liveRegion(v, "", body))
	}
	return p.answer(c, v, f.status, shell(v, content{title: f.title, body: body}, liveRegion(v, "", body)))
}

// toSignIn leads to the sign-in, with one navigation of the whole page.
func (p *Page) toSignIn(c *echo.Context, v *visit) error {
	query := url.Values{"next": {v.here()}}
	if v.hasCookie {
		query.Set("ended", "1")
	}
	target := v.base + signInPath + "?" + query.Encode()
	setPageHeaders(c.Response().Header())
	if v.isFragment() {
		c.Response().Header().Set("HX-Redirect", target)
		return c.NoContent(http.StatusUnauthorized)
	}
	return c.Redirect(http.StatusSeeOther, target)
}
