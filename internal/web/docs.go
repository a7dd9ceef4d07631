package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"
	swaggerui "github.com/swaggest/swgui/v5/static"

	"platform.company.com/workspace-flyte-integration/api"
)

//go:embed static
var static embed.FS

// Docs serves the OpenAPI document at /openapi.yaml, and Swagger UI that shows it at /docs. Neither needs authentication.
// The zero value is ready.
type Docs struct{}

// docsPolicy lets the page load its own files and the document, and nothing else, from anywhere. Swagger UI has its icons
// in data: URLs, and writes style attributes.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Register adds the routes.
func (Docs) Register(e *echo.Echo) {
	files := map[string]file{
		"docs.js":              load(static, "static/docs.js", "text/javascript; charset=utf-8"),
		"swagger-ui.css":       load(swaggerui.FS, "swagger-ui.css.gz", "text/css; charset=utf-8"),
		"swagger-ui-bundle.js": load(swaggerui.FS, "swagger-ui-bundle.js.gz", "text/javascript; charset=utf-8"),
	}
	page := load(static, "static/docs.html", "text/html; charset=utf-8")
	e.GET("/openapi.yaml", newFile(api.OpenAPI, "application/yaml").serve)
	e.GET("/docs", func(c *echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		return page.serve(c)
	})
	e.GET("/docs/:asset", func(c *echo.Context) error {
		f, ok := files[c.Param("asset")]
		if !ok {
			return echo.ErrNotFound
		}
		return f.serve(c)
	})
}

// file is a static file.
type file struct {
	content                   []byte
	mediaType, encoding, etag string
}

func newFile(content []byte, mediaType string) file {
	digest := sha256.Sum256(content)
	etag := `"` + base64.RawURLEncoding.EncodeToString(digest[:12]) + `"`
	return file{content: content, mediaType: mediaType, etag: etag}
}

// load reads an embedded file, and panics if the build has none of that name.
func load(from fs.ReadFileFS, name, mediaType string) file {
	content, err := from.ReadFile(name)
	if err != nil {
		panic("reading an embedded file: " + err.Error())
	}
	f := newFile(content, mediaType)
	if strings.HasSuffix(name, ".gz") {
		f.encoding = "gzip" // every browser that runs scripts accepts it
	}
	return f
}

// serve answers with the file, or 304 if the client has its newest version.
func (f file) serve(c *echo.Context) error {
	h := c.Response().Header()
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(c.Request().Header.Get("If-None-Match"), f.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	if f.encoding != "" {
		h.Set("Content-Encoding", f.encoding)
	}
	return c.Blob(http.StatusOK, f.mediaType, f.content)
}
