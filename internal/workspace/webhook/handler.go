package webhook

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// Store keeps Workspaces. Its errors are *workspace.Error.
type Store interface {
	// Record stores an event with its delivery before it returns OutcomeAccepted. Content that its tier does not allow
	// is KindInvalid, with fields below data.
	Record(context.Context, workspace.Event, workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error)
	// Await returns the Workspace when settled says so, or, when ctx ends, its last state with ctx's error.
	Await(ctx context.Context, id string, settled func(*v1alpha1.Workspace) bool) (*v1alpha1.Workspace, error)
}

// Options are what a Handler works with.
type Options struct {
	Verifier  *signature.Verifier
	Validator *workspace.Validator
	Store     Store
	// ConsoleURL and DomainURLs are where people find a workspace's project.
	ConsoleURL func(id string) string
	DomainURLs func(id string) map[string]string
	// ProvisionTimeout is how long /provision waits for Ready.
	ProvisionTimeout time.Duration
	// Draining ends the waits of /provision early: the process is about to stop.
	Draining <-chan struct{}
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Metrics        prometheus.Registerer
	// Now is the clock of the rate limits; time.Now unless it is set.
	Now func() time.Time
}

// Handler answers the two POST routes.
type Handler struct {
	Options
	metrics *metrics
	keys    *keyMetrics
	sources *sources
	reading *bodyReaders
	// storing are the events that are stored or wait for their turn, waiting the requests that wait for Ready.
	storing, waiting slots
	storingBytes     *semaphore.Weighted
	writes           *writeLimiter
}

// NewHandler makes a Handler and registers its metrics.
func NewHandler(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{
		Options: o, metrics: newMetrics(o.Metrics), keys: newKeyMetrics(o.Verifier.Fingerprints),
		sources: newSources(o.Now), reading: newBodyReaders(),
		storing: make(slots, maxStoring), waiting: make(slots, maxWaiting),
		storingBytes: semaphore.NewWeighted(maxStoringBytes), writes: newWriteLimiter(),
	}
	o.Metrics.MustRegister(h.keys)
	h.gauge(o.Metrics)
	h.gaugeWrites(o.Metrics)
	return h
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/webhooks/workspace", h.counted(h.receive))
	e.POST("/provision", h.counted(h.provision))
}

// answer is what senders get for what was taken.
type answer struct {
	Status      string            `json:"status"`
	WorkspaceID string            `json:"workspace_id,omitempty"`
	ProjectID   string            `json:"project_id,omitempty"`
	Namespaces  []string          `json:"namespaces,omitempty"`
	ConsoleURL  string            `json:"console_url,omitempty"`
	ConsoleURLs map[string]string `json:"console_urls,omitempty"`
	StatusURL   string            `json:"status_url,omitempty"`
}

// receive answers a webhook, and never before the event is stored.
func (h *Handler) receive(c *echo.Context) (outcome string, err error) {
	var event workspace.Event
	in, err := h.verified(c, func(body []byte) (err error) {
		event, err = h.Validator.DecodeEvent(body)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case event.Type == workspace.EventPing:
		return "ping", c.JSON(http.StatusOK, answer{Status: "pong"})
	case !event.Type.Known():
		return "ignored", c.JSON(http.StatusAccepted, answer{Status: "ignored"})
	}
	_, recorded, err := h.record(c, event, in)
	if err != nil {
		return "", workspace.Below("data", err)
	}
	if recorded != workspace.OutcomeAccepted {
		return string(recorded), c.JSON(http.StatusOK, answer{Status: string(recorded)})
	}
	return string(recorded), c.JSON(http.StatusAccepted, h.location(event.Data.WorkspaceID, "accepted"))
}

// record stores the event when its turn comes, both within a bounded time, unless too many wait already.
func (h *Handler) record(c *echo.Context, e workspace.Event, in received) (*v1alpha1.Workspace, workspace.Outcome, error) {
	if !h.storing.enter() {
		return nil, "", newProblem(http.StatusServiceUnavailable, "")
	}
	defer h.storing.leave()
	if !h.storingBytes.TryAcquire(in.size) {
		return nil, "", newProblem(http.StatusServiceUnavailable, "")
	}
	defer h.storingBytes.Release(in.size)
	request := c.Request().Context()
	turn, gaveUp := context.WithTimeout(request, turnTimeout)
	defer gaveUp()
	// A write that has begun is finished even if the client gives up: the API server works on it anyway.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request), storeTimeout)
	defer cancel()
	if !h.writes.acquire(turn) {
		return nil, "", newProblem(http.StatusServiceUnavailable, "")
	}
	began, result := time.Now(), writeNone
	defer func() { h.writes.release(began, result) }()
	w, outcome, err := h.Store.Record(ctx, e, in.delivery)
	switch {
	case ctx.Err() != nil:
		result = writeLate
	case err == nil && outcome == workspace.OutcomeAccepted:
		result = writeDone
		c.Logger().Info("stored an event", "type", string(e.Type), "workspace", e.Data.WorkspaceID, "version", e.Data.Version)
	}
	return w, outcome, err
}

// location says where a workspace can be found. It never depends on the request's Host.
func (h *Handler) location(id, status string) answer {
	return answer{
		Status: status, WorkspaceID: id, ProjectID: id,
		ConsoleURL: h.ConsoleURL(id), StatusURL: "/workspaces/" + url.PathEscape(id),
	}
}
