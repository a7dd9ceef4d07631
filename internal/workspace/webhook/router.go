package webhook

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

// Routes is a set of routes, such as those of a Handler or a Health.
type Routes interface{ Register(*echo.Echo) }

// NewRouter serves routes by their exact paths, without redirects. HandleError answers every error, also that of a panic.
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
	e.Use(middleware.Recover(), closeAfterChunked, allowHalfClose)
	for _, r := range routes {
		r.Register(e)
	}
	return e
}

// refuseMethod answers 405, also to OPTIONS, to which Echo would answer 204: a POST route answers 2xx only to what is stored.
func refuseMethod(c *echo.Context) error {
	allowed, _ := c.Get(echo.ContextKeyHeaderAllow).(string)
	allowed = strings.TrimPrefix(allowed, http.MethodOptions+", ")
	c.Response().Header().Set("Allow", strings.Replace(allowed, http.MethodGet, "GET, HEAD", 1))
	return echo.ErrMethodNotAllowed
}
