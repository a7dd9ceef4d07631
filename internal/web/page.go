package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// signInPath is where people without a session are sent.
const signInPath = "/ui/signin"

// Page is the web page. Its views need the same rights as the routes of the ReadAPI with the same content.
type Page struct {
	PageOptions

	api *ReadAPI
	// identifier is nil with API_AUTH=none: there is no sign-in.
	identifier Identifier
	publicURL  *url.URL
	origins    *http.CrossOriginProtection
	remedies   map[string]remedy
	assets     assets
}

// PageOptions configure a Page.
type PageOptions struct {
	// Cluster names the cluster.
	Cluster string
	// Components returns the health of what the service depends on.
	Components func(context.Context) []Component
	// Network is what every workspace may reach.
	Network Network
	// Rollout reads the roll-out of the service itself. Without it, there is no page of it.
	Rollout *Rollout
}

// Component is a part of the system, and whether it works.
type Component struct {
	Name, Detail string
	Health       Health
}

// Health is whether a component works.
type Health string

// What a Component can be. HealthOff says that it is not configured.
const (
	HealthGood Health = "good"
	HealthBad  Health = "bad"
	HealthOff  Health = "off"
)

// Identifier says who the user of a request is.
type Identifier interface {
	// Identify returns the name of the user, or a *workspace.Error of the kind Unauthorized or Unavailable.
	Identify(r *http.Request) (string, error)
}

// NewPage returns the page of what the API reads.
func NewPage(api *ReadAPI, o PageOptions) *Page {
	p := &Page{PageOptions: o, api: api, origins: http.NewCrossOriginProtection(), remedies: readRemedies(), assets: newAssets()}
	p.identifier, _ = api.Authorizer.(Identifier)
	p.publicURL = &url.URL{}
	if u, err := url.Parse(api.PublicURL); err == nil && u.Host != "" {
		p.publicURL = u
		_ = p.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host) // it has a scheme and a host
	}
	return p
}

// view is one kind of page.
type view struct {
	// path is that of the page, live that of the stream of its content.
	path, live string
	verb       string
	resource   string
	load       func(ctx context.Context, v *visit) (content, error)
	// lists says that load lists all workspaces.
	lists bool
	// namespace is that of the resource, if it is in one.
	namespace string
	// refresh is when the page is rendered again without a change.
	refresh time.Duration
}

// content is what a page shows.
type content struct {
	title string
	// tab is the entry of the navigation.
	tab  string
	body templ.Component
	// head stands above the body, and is not replaced by newer content: what people type there stays.
	head templ.Component
	// shows reports whether a change may alter the content.
	shows func(Change) bool
}

func (p *Page) views() []view {
	const slow = refreshInterval
	all := []view{
		{"/", "/ui/live/overview", verbList, ResourceWorkspaces, p.loadOverview, true, "", slow},
		{"/ui/workspaces", "/ui/live/workspaces", verbList, ResourceWorkspaces, p.loadList, true, "", slow},
		{"/ui/workspaces/:id", "/ui/live/workspaces/:id", verbGet, ResourceWorkspaces, p.loadWorkspace, false, "", slow},
		{"/ui/tiers", "/ui/live/tiers", verbList, ResourceTiers, p.loadTiers, true, "", slow},
		{"/ui/tiers/:name", "/ui/live/tiers/:name", verbGet, ResourceTiers, p.loadTier, true, "", slow},
	}
	if p.Rollout != nil {
		all = append(all, view{
			rolloutPath, "/ui/live/rollout", verbList, ResourcePods, p.loadRollout, false, p.Rollout.Namespace, rolloutRefresh,
		})
	}
	return all
}

// Register adds the routes.
func (p *Page) Register(e *echo.Echo) {
	for _, view := range p.views() {
		e.GET(view.path, p.show(view))
		e.GET(view.live, p.stream(view))
	}
	e.GET("/ui/open", p.open)
	e.GET(signInPath, p.showSignIn)
	e.POST(signInPath, p.signIn)
	e.POST("/ui/signout", p.signOut)
	e.GET("/ui/static/:asset", p.assets.serve)
}

// open leads from the form for the id of a workspace to its page.
func (p *Page) open(c *echo.Context) error {
	v := p.newVisit(c)
	return c.Redirect(http.StatusSeeOther, v.base+"/ui/workspaces/"+url.PathEscape(c.QueryParam("id")))
}

// show answers with a page, or with its content alone if htmx asks.
func (p *Page) show(view view) echo.HandlerFunc {
	return func(c *echo.Context) error {
		v := p.newVisit(c)
		if err := p.api.ChargeRead(c.Request()); err != nil {
			return p.fail(c, v, limited())
		}
		if err := p.api.Authorizer.Authorize(v.Request, view.access(v)); err != nil {
			return p.fail(c, v, err)
		}
		loaded, err := p.load(c.Request().Context(), &view, v)
		if err != nil {
			return p.fail(c, v, err)
		}
		v.identify(p)
		if v.isFragment() {
			return p.answer(c, v, http.StatusOK, liveRegion(v, view.liveURL(v), loaded.body))
		}
		return p.answer(c, v, http.StatusOK, shell(v, loaded, liveRegion(v, view.liveURL(v), loaded.body)))
	}
}

// load loads the content of a page, within the bound on listings.
func (p *Page) load(ctx context.Context, of *view, v *visit) (loaded content, err error) {
	if !of.lists {
		return of.load(ctx, v)
	}
	err = p.api.withListing(ctx, func() (err error) {
		loaded, err = of.load(ctx, v)
		return err
	})
	return loaded, err
}

// access is what a visit to this page reads.
func (view *view) access(v *visit) Access {
	access := Access{Verb: view.verb, Resource: view.resource, Namespace: view.namespace}
	if isName(v.name) {
		access.Name = v.name
	}
	return access
}

// liveURL is the URL of the stream of this page.
func (view *view) liveURL(v *visit) string {
	path := view.live
	if v.name != "" {
		path = path[:slices.Index([]byte(path), ':')] + url.PathEscape(v.name)
	}
	return v.base + (&url.URL{Path: path, RawQuery: v.URL.RawQuery}).String()
}

// limited is the error of a client that asks too often.
func limited() error {
	return &workspace.Error{Kind: workspace.KindLimited, Detail: "too many requests come from this address; try again in a second"}
}
