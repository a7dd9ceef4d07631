package webhook

import (
	"context"

	"github.com/labstack/echo/v5"
)

// endChunked ends the connection after every chunked request. One that has a Content-Length too, over which two servers
// in a row may disagree, has to end it (RFC 9112, 6.1), and net/http does not tell which those are.
func endChunked(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		if len(c.Request().TransferEncoding) > 0 {
			c.Response().Header().Set("Connection", "close")
		}
		return next(c)
	}
}

// allowHalfClose serves an HTTP/1 client that closes its sending side after the request, as RFC 9112, 9.6 permits:
// net/http ends the request's context then, although the client still waits for the answer. A client that closed both
// sides looks the same until something is written to it, so every handler bounds its own waits. The context of an HTTP/2
// request stays as it is: there a client ends a request without giving it up (END_STREAM), and gives it up by a reset.
func allowHalfClose(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		if r := c.Request(); r.ProtoMajor == 1 {
			c.SetRequest(r.WithContext(context.WithoutCancel(r.Context())))
		}
		return next(c)
	}
}
