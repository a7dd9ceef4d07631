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
	"golang.org/x/time/rate"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// Store keeps Workspaces. Its errors are *workspace.Error.
type Store interface {
	// Record stores an event with its delivery before it returns OutcomeAccepted. It refuses content that its tier does not
	// allow as KindInvalid, with fields below data.
	Record(context.Context, workspace.Event, workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error)
	// Await returns the Workspace as soon as done says so, or, when ctx ends, its last state with ctx's error.
	Await(ctx context.Context, id string, done func(*v1alpha1.Workspace) bool) (*v1alpha1.Workspace, error)
}

// Options configure a Handler.
type Options struct {
	Verifier  *signature.Verifier
	Validator *workspace.Validator
	Store     Store
	// ConsoleURL and DomainURLs return where people find the project of a workspace.
	ConsoleURL func(id string) string
	DomainURLs func(id string) map[string]string
	// PublicURL is the base of status_url and Location, without a slash at its end. They are relative if it is empty.
	PublicURL string
	// ProvisionTimeout is how long /provision waits for Ready.
	ProvisionTimeout time.Duration
	// Draining ends the waits of /provision early, since the process is about to stop.
	Draining <-chan struct{}
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Metrics        prometheus.Registerer
	// Now is the clock of the rate limits; the default is time.Now.
	Now func() time.Time
}

// Handler answers the two POST routes.
type Handler struct {
	Options
	metrics *metrics
	keys    *keyMetrics
	clients *clients
	readers *bodyReaders
	// storing bounds the events that are stored or queued for it, waiting the requests that wait for Ready.
	storing, waiting *semaphore.Weighted
	storingBytes     *semaphore.Weighted
	writes           *writeLimiter
	// refusals bounds how many refused requests are logged.
	refusals *rate.Limiter
	// unsignedSpans bounds the spans of requests without a valid signature.
	unsignedSpans *rate.Limiter
}

// NewHandler returns a Handler and registers its metrics.
func NewHandler(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{
		Options: o, keys: newKeyMetrics(o.Verifier.Fingerprints), clients: newClients(o.Now), readers: newBodyReaders(),
		storing: semaphore.NewWeighted(maxStoring), waiting: semaphore.NewWeighted(maxWaiting),
		storingBytes: semaphore.NewWeighted(maxStoringBytes), writes: &writeLimiter{limit: startWrites},
		refusals:      rate.NewLimiter(loggedRefusals, loggedRefusalsBurst),
		unsignedSpans: rate.NewLimiter(tracedUnsigned, tracedUnsigned),
	}
	h.metrics = newMetrics(o.Metrics, h)
	return h
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/webhooks/workspace", h.instrument(h.handleWebhook))
	e.POST("/provision", h.instrument(h.handleProvision))
}

// answer is the body of every 2xx.
type answer struct {
	Status      string            `json:"status"`
	WorkspaceID string            `json:"workspace_id,omitempty"`
	ProjectID   string            `json:"project_id,omitempty"`
	Namespaces  []string          `json:"namespaces,omitempty"`
	ConsoleURL  string            `json:"console_url,omitempty"`
	ConsoleURLs map[string]string `json:"console_urls,omitempty"`
	StatusURL   string            `json:"status_url,omitempty"`
}

// handleWebhook answers a webhook, and never before the event is stored.
func (h *Handler) handleWebhook(c *echo.Context, a *attempt) error {
	var event workspace.Event
	in, err := h.receive(c, a, func(body []byte, mediaType string) (err error) {
		decode := h.Validator.DecodeEvent
		if mediaType == mediaCloudEvent {
			decode = h.Validator.DecodeCloudEvent
		}
		event, err = decode(body)
		a.decoded(labelOf(event.Type), &event.Data)
		return err
	})
	switch {
	case err != nil:
		return err
	case event.Type == workspace.EventPing:
		a.outcome = "ping"
		return c.JSON(http.StatusOK, answer{Status: "pong"})
	case !event.Type.Known():
		a.outcome = "ignored"
		return c.JSON(http.StatusAccepted, answer{Status: "ignored"})
	}
	return h.recordWebhook(c, a, event, in)
}

// recordWebhook stores an event of a webhook, and answers with the outcome.
func (h *Handler) recordWebhook(c *echo.Context, a *attempt, event workspace.Event, in received) error {
	_, recorded, err := h.record(c, event, in)
	if err != nil {
		return workspace.Below("data", err)
	}
	a.outcome = string(recorded)
	if recorded != workspace.OutcomeAccepted {
		return c.JSON(http.StatusOK, answer{Status: string(recorded)})
	}
	return c.JSON(http.StatusAccepted, h.location(event.Data.WorkspaceID, "accepted"))
}

// record stores the event, or answers 503 if too many others are being stored.
func (h *Handler) record(c *echo.Context, e workspace.Event, in received) (*v1alpha1.Workspace, workspace.Outcome, error) {
	if !h.storing.TryAcquire(1) {
		return nil, "", newProblem(http.StatusServiceUnavailable, "")
	}
	defer h.storing.Release(1)
	defer inFlight(h.metrics.storing)()
	if !h.storingBytes.TryAcquire(in.size) {
		return nil, "", newProblem(http.StatusServiceUnavailable, "")
	}
	defer h.storingBytes.Release(in.size)
	return h.write(c, e, in.delivery)
}

// write stores the event within storeTimeout, once the API server can take one more write.
func (h *Handler) write(c *echo.Context, e workspace.Event, d workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error) {
	request := c.Request().Context()
	queued, cancelQueued := context.WithTimeout(request, queueTimeout)
	defer cancelQueued()
	// A write that has begun is finished even if the client gives up: the API server works on it anyway.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request), storeTimeout)
	defer cancel()
	if !h.writes.acquire(queued) {
		return nil, "", newProblem(http.StatusServiceUnavailable, "")
	}
	began, result := time.Now(), notWritten
	defer func() { h.writes.release(began, result) }()
	w, outcome, err := h.Store.Record(ctx, e, d)
	switch {
	case ctx.Err() != nil:
		result = timedOut
	case err == nil && outcome == workspace.OutcomeAccepted:
		result = written
		c.Logger().Info("stored an event", "delivery", d.ID, "type", string(e.Type),
			"workspace", e.Data.WorkspaceID, "version", e.Data.Version, "took", time.Since(began).String())
	}
	return w, outcome, err
}

// location says where a workspace can be found. It never depends on the request's Host header.
func (h *Handler) location(id, status string) answer {
	return answer{
		Status: status, WorkspaceID: id, ProjectID: id,
		ConsoleURL: h.ConsoleURL(id), StatusURL: h.PublicURL + "/workspaces/" + url.PathEscape(id),
	}
}
