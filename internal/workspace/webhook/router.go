package webhook

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

// Routes are what can be served: a Handler, a Health.
type Routes interface{ Register(*echo.Echo) }

// NewRouter serves routes by their exact paths, without redirects. Every error, that of a panic too, is answered by
// HandleError.
func NewRouter(logger *slog.Logger, routes ...Routes) *echo.Echo {
	e := echo.NewWithConfig(echo.Config{
		Logger:           logger,
		HTTPErrorHandler: HandleError,
		IPExtractor:      echo.ExtractIPDirect(),
		Router: echo.NewRouter(echo.RouterConfig{
			AutoHandleHEAD:          true,
			MethodNotAllowedHandler: refuseMethod,
			OptionsMethodHandler:    refuseMethod,
		}),
	})
	e.Use(middleware.Recover(), endChunked, allowHalfClose)
	for _, r := range routes {
		r.Register(e)
	}
	return e
}

// refuseMethod answers 405. OPTIONS, which Echo would answer 204, is refused too: nothing is 2xx that is not stored.
func refuseMethod(c *echo.Context) error {
	allowed, _ := c.Get(echo.ContextKeyHeaderAllow).(string)
	allowed = strings.TrimPrefix(allowed, http.MethodOptions+", ")
	c.Response().Header().Set("Allow", strings.Replace(allowed, http.MethodGet, "GET, HEAD", 1))
	return echo.ErrMethodNotAllowed
}
