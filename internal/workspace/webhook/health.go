package webhook

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v5"
	"golang.org/x/sync/semaphore"
)

// The reasons for which /health is unhealthy. There are no others.
const (
	ReasonAPIServerUnreachable     = "API server unreachable"
	ReasonFlyteUnreachable         = "Flyte unreachable"
	ReasonControllerNotProgressing = "controller not progressing"
)

// Check is one check of /health.
type Check struct {
	// Reason is given when the probe fails, or does not end in time.
	Reason string
	Probe  func(context.Context) error
}

// Health answers the three health routes, which need no authentication.
type Health struct {
	Cluster, Namespace, Version string
	// Flyte, if not nil, returns the version of Flyte that was found, empty before one was.
	Flyte func() string
	// Checks are run by /health, at most once a second however many clients ask.
	Checks []Check
	// Ready returns why the process must get no requests: caches that never synced, or a shutdown. It ignores whether the API
	// server is down, so that senders get our 503 and not a dead address.
	Ready func() error
	// Live returns why the process should be restarted.
	Live func(context.Context) error

	// lock guards the fields below. It is no sync.Mutex, so that a client can give up.
	lock     *semaphore.Weighted
	probedAt time.Time
	reasons  []string
	running  []atomic.Bool // by check
}

type healthAnswer struct {
	Status    string   `json:"status"`
	Reasons   []string `json:"reasons,omitempty"`
	Cluster   string   `json:"cluster"`
	Namespace string   `json:"namespace"`
	Version   string   `json:"version"`
	Flyte     string   `json:"flyte,omitempty"`
}

// Register adds the routes.
func (h *Health) Register(e *echo.Echo) {
	h.lock = semaphore.NewWeighted(1)
	h.running = make([]atomic.Bool, len(h.Checks))
	e.GET("/health", h.health)
	e.GET("/readyz", func(c *echo.Context) error { return probeResponse(c, h.Ready()) })
	e.GET("/livez", func(c *echo.Context) error { return probeResponse(c, h.Live(c.Request().Context())) })
}

func probeResponse(c *echo.Context, err error) error {
	if err != nil {
		return newProblem(http.StatusServiceUnavailable, err.Error())
	}
	return c.String(http.StatusOK, "ok")
}

func (h *Health) health(c *echo.Context) error {
	answer := healthAnswer{Status: "healthy", Cluster: h.Cluster, Namespace: h.Namespace, Version: h.Version}
	var err error
	if answer.Reasons, err = h.Unhealthy(c.Request().Context()); err != nil {
		return err
	}
	if h.Flyte != nil {
		answer.Flyte = h.Flyte()
	}
	if len(answer.Reasons) == 0 {
		return c.JSON(http.StatusOK, answer)
	}
	answer.Status = "unhealthy"
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(retryUnavailable.Seconds())))
	return c.JSON(http.StatusServiceUnavailable, answer)
}

// Unhealthy returns the reasons for which /health is unhealthy: those of the last probes if they are less than probeInterval old, else
// those of new ones. Clients that ask meanwhile wait for them.
func (h *Health) Unhealthy(ctx context.Context) ([]string, error) {
	if err := h.lock.Acquire(ctx, 1); err != nil {
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	defer h.lock.Release(1)
	if time.Since(h.probedAt) >= probeInterval {
		h.reasons = h.probeAll(ctx)
		h.probedAt = time.Now()
	}
	return h.reasons, nil
}

func (h *Health) probeAll(ctx context.Context) (reasons []string) {
	// The result is for all clients, also if the one that began it gives up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	healthy := make([]<-chan bool, len(h.Checks))
	for i := range h.Checks {
		healthy[i] = h.startProbe(ctx, i)
	}
	for i, check := range h.Checks {
		if !awaitProbe(ctx, healthy[i]) {
			reasons = append(reasons, check.Reason)
		}
	}
	return reasons
}

// awaitProbe returns whether a probe succeeds before ctx ends.
func awaitProbe(ctx context.Context, healthy <-chan bool) bool {
	select {
	case ok := <-healthy:
		return ok
	case <-ctx.Done():
	}
	select { // it may have ended in time, while another one was awaited
	case ok := <-healthy:
		return ok
	default:
		return false
	}
}

// startProbe starts one probe. It fails at once while an earlier probe of the same check hangs, so that they don't pile up.
func (h *Health) startProbe(ctx context.Context, check int) <-chan bool {
	healthy := make(chan bool, 1)
	if !h.running[check].CompareAndSwap(false, true) {
		healthy <- false
		return healthy
	}
	go func() {
		err := h.Checks[check].Probe(ctx)
		h.running[check].Store(false)
		healthy <- err == nil
	}()
	return healthy
}
