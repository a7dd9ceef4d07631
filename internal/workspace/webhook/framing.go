package webhook

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v5"
)

// closeAfterChunked closes the connection after every chunked request. If a request also has a Content-Length, two servers
// in a row may disagree on where it ends, and the connection must be closed (RFC 9112, 6.1). net/http does not report that header.
func closeAfterChunked(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		if len(c.Request().TransferEncoding) > 0 {
			c.Response().Header().Set("Connection", "close")
		}
		return next(c)
	}
}

// allowHalfClose serves HTTP/1 clients that close their sending side after the request (RFC 9112, 9.6). net/http then cancels
// the request's context, although the client waits for the answer. A client that closed both sides looks the same until
// something is written to it, so every handler bounds its own waits. HTTP/2 keeps its context: only a reset cancels it.
func allowHalfClose(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		if r := c.Request(); r.ProtoMajor == 1 {
			ctx := context.WithValue(context.WithoutCancel(r.Context()), disconnectedKey{}, r.Context().Done())
			c.SetRequest(r.WithContext(ctx))
		}
		return next(c)
	}
}

type disconnectedKey struct{}

// Disconnected returns a channel that is closed when the client of a request closes its connection, or its sending side alone. It is
// for handlers whose clients never do the latter.
func Disconnected(r *http.Request) <-chan struct{} {
	if done, ok := r.Context().Value(disconnectedKey{}).(<-chan struct{}); ok {
		return done
	}
	return r.Context().Done()
}
