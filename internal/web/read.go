package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Options configure a ReadAPI.
type Options struct {
	// Cached reads Workspaces and WorkspaceTiers, Live quotas and Events.
	Cached, Live client.Reader
	Authorizer   Authorizer
	// ChargeRead returns an error if the client of a request has exhausted its rate limit.
	ChargeRead func(*http.Request) error
	Naming     *workspace.Naming
	// Objects returns what the service made in a namespace of a workspace.
	Objects func(ctx context.Context, id, namespace string) ([]Object, error)
	// Queues, if not nil, are Kueue's.
	Queues Queues
	// ConsoleURL and DomainURLs return where people find the project of a workspace.
	ConsoleURL func(id string) string
	DomainURLs func(id string) map[string]string
	// PublicURL is the base of status_url, without a slash at its end. It is relative if PublicURL is empty.
	PublicURL string
	// Feed has each change of a workspace or tier.
	Feed *Feed
	// Draining is closed when the process begins to stop: all streams end then.
	Draining <-chan struct{}
	// Disconnected returns a channel that is closed when the client of a request closes its connection.
	Disconnected func(*http.Request) <-chan struct{}
	// Client identifies the client of a request, for the bound on its streams.
	Client func(*http.Request) string
}

// ReadAPI answers GET requests about workspaces and tiers with JSON. The rate limit comes first, then the authorization, and only
// then is anything looked up.
type ReadAPI struct {
	Options

	live      *live
	liveReads chan struct{}
	listings  chan struct{}
}

// NewReadAPI returns a ReadAPI.
func NewReadAPI(o Options) *ReadAPI {
	return &ReadAPI{
		Options: o, live: &live{Options: &o, streams: newStreams()}, liveReads: make(chan struct{}, maxLiveReads),
		listings: make(chan struct{}, maxListings),
	}
}

// The verbs that a user needs.
const (
	verbList, verbGet, verbWatch = "list", "get", "watch"
)

// The resources that are read, and of which a Feed has changes.
const (
	// ResourceWorkspaces are Workspaces.
	ResourceWorkspaces = "workspaces"
	// ResourceTiers are WorkspaceTiers.
	ResourceTiers = "workspacetiers"
)

// ResourcePods are the pods of the service itself, of which no Feed has changes.
const ResourcePods = "pods"

// Register adds the routes.
func (a *ReadAPI) Register(e *echo.Echo) {
	list := a.authorized(verbList, ResourceWorkspaces, a.listWorkspaces)
	e.GET("/workspaces", func(c *echo.Context) error {
		if c.QueryParam("watch") == "true" {
			return a.watchWorkspaces(c)
		}
		return list(c)
	})
	e.GET("/workspaces/:id", a.authorized(verbGet, ResourceWorkspaces, a.getWorkspace))
	e.GET("/workspaces/:id/events", a.authorized(verbGet, ResourceWorkspaces, a.listEvents))
	e.GET("/tiers", a.authorized(verbList, ResourceTiers, a.listTiers))
	e.GET("/tiers/:name", a.authorized(verbGet, ResourceTiers, a.getTier))
}

// authorized answers with what read returns, if the user may read it. A name that no object can have needs the right to get all.
func (a *ReadAPI) authorized(verb, resource string, read func(*echo.Context) (any, error)) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r := c.Request()
		if err := a.ChargeRead(r); err != nil {
			return err
		}
		access := Access{Verb: verb, Resource: resource}
		if name := cmp.Or(c.Param("id"), c.Param("name")); isName(name) {
			access.Name = name
		}
		if err := a.authorize(c, access); err != nil {
			return err
		}
		answer, err := read(c)
		if err != nil {
			return err
		}
		return answerJSON(c, answer)
	}
}

// authorize returns why the user may not read this.
func (a *ReadAPI) authorize(c *echo.Context, access Access) error {
	err := a.Authorizer.Authorize(c.Request(), access)
	if workspace.KindOf(err) == workspace.KindUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", "Bearer")
	}
	return err
}

func isName(name string) bool { return len(validation.IsDNS1123Label(name)) == 0 }

// answerJSON answers with JSON, or 304 if the client has the same already.
func answerJSON(c *echo.Context, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	digest := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(digest[:12]) + `"`
	h := c.Response().Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Authorization")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(c.Request().Header.Get("If-None-Match"), etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, "application/json", body)
}

// getCached reads one object of the cache by its name.
func (a *ReadAPI) getCached(ctx context.Context, kind, name string, into client.Object) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	missing := &workspace.Error{Kind: workspace.KindNotFound, Detail: "there is no such " + kind}
	if !isName(name) {
		return missing
	}
	switch err := a.Cached.Get(ctx, client.ObjectKey{Name: name}, into); {
	case apierrors.IsNotFound(err):
		return missing
	case err != nil:
		return unavailable(fmt.Errorf("reading the %s %q: %w", kind, name, err))
	}
	return nil
}

// listCached reads all objects of a kind. They are those of the cache itself, and must not be changed.
func (a *ReadAPI) listCached(ctx context.Context, into client.ObjectList) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := a.Cached.List(ctx, into, client.UnsafeDisableDeepCopy); err != nil {
		return unavailable(fmt.Errorf("listing from the cache: %w", err))
	}
	return nil
}

// readLive calls read with a deadline, with at most maxLiveReads calls under way.
func (a *ReadAPI) readLive(ctx context.Context, read func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	select {
	case a.liveReads <- struct{}{}:
		defer func() { <-a.liveReads }()
		return read(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
