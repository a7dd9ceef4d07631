package web

import (
	"github.com/labstack/echo/v5"
)

// assets are the files that pages load, by their names. hack/web-assets.txt has the versions of those that others wrote.
type assets map[string]file

func newAssets() assets {
	all := assets{}
	for name, mediaType := range map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
		"htmx.min.js": "text/javascript; charset=utf-8", "idiomorph-ext.min.js": "text/javascript; charset=utf-8",
	} {
		all[name] = load(static, "static/"+name, mediaType)
	}
	return all
}

func (a assets) serve(c *echo.Context) error {
	f, ok := a[c.Param("asset")]
	if !ok {
		return echo.ErrNotFound
	}
	return f.serve(c)
}
