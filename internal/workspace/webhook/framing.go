package webhook

import "github.com/labstack/echo/v5"

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
