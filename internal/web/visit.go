package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// visit is a request for a page. Its header Authorization has the token, also that of a session.
type visit struct {
	*http.Request

	// base is the path under which browsers find the service, without a slash at its end.
	base string
	// name is that of the workspace or tier in the path.
	name string
	// hasCookie says that the token is that of a session.
	hasCookie bool
	// user is empty if nobody needs to sign in.
	user    string
	cluster string
	now     time.Time
	// hasRollout says that there is a page of the service's roll-out.
	hasRollout bool
}

func (p *Page) newVisit(c *echo.Context) *visit {
	v := &visit{cluster: p.Cluster, now: time.Now(), name: c.Param("id") + c.Param("name"), hasRollout: p.Rollout != nil}
	v.Request, v.hasCookie = p.withSession(c.Request())
	if !isDirect(v.Request) {
		v.base = strings.TrimRight(p.publicURL.Path, "/")
	}
	return v
}

// identify finds out who the user is, for people to see.
func (v *visit) identify(p *Page) {
	if p.identifier != nil {
		v.user, _ = p.identifier.Identify(v.Request)
	}
}

// isFragment reports whether htmx asks for the content alone. Going back in the history needs the whole page.
func (v *visit) isFragment() bool {
	return v.Header.Get("HX-Request") == "true" && v.Header.Get("HX-History-Restore-Request") != "true"
}

// may reports whether the user has a right. An error means that nobody knows.
func (p *Page) may(v *visit, access Access) (bool, error) {
	err := p.api.Authorizer.Authorize(v.Request, access)
	switch workspace.KindOf(err) {
	case workspace.KindForbidden, workspace.KindUnauthorized:
		return false, nil
	default:
		return err == nil, err
	}
}

// to returns the URL of a path of this service, whose segments are escaped.
func (v *visit) to(path string, names ...string) templ.SafeURL {
	for _, name := range names {
		path += "/" + url.PathEscape(name)
	}
	return templ.SafeURL(v.base + path)
}

// list returns the URL of the list with one filter.
func (v *visit) list(pairs ...string) templ.SafeURL {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return templ.SafeURL(v.base + "/ui/workspaces?" + values.Encode())
}

// here is the path and query of the visited page, without base.
func (v *visit) here() string { return (&url.URL{Path: v.URL.Path, RawQuery: v.URL.RawQuery}).String() }
