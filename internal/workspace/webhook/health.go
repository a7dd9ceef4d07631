package webhook

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v5"
)

// The reasons for which /health is unhealthy; there are no others.
const (
	ReasonAPIServerUnreachable     = "API server unreachable"
	ReasonFlyteUnreachable         = "Flyte unreachable"
	ReasonControllerNotProgressing = "controller not progressing"
)

// Check is one thing that /health looks at.
type Check struct {
	// Reason is said when the probe fails.
	Reason string
	Probe  func(context.Context) error
}

// Health answers the three health routes. They need no authentication, and tell no more than they must.
type Health struct {
	Cluster, Namespace, Version string
	// Checks are asked by /health, at most once a second however many ask.
	Checks []Check
	// Ready says why the process should get no requests: caches that never synced, a shutdown. An API server that is
	// down is no such reason: senders shall get our 503 and not a dead address.
	Ready func() error
	// Live says why the process should be restarted.
	Live func(context.Context) error

	mu      sync.Mutex
	asked   time.Time
	reasons []string
}

type healthAnswer struct {
	Status    string   `json:"status"`
	Reasons   []string `json:"reasons,omitempty"`
	Cluster   string   `json:"cluster"`
	Namespace string   `json:"namespace"`
	Version   string   `json:"version"`
}

// Register adds the routes.
func (h *Health) Register(e *echo.Echo) {
	e.GET("/health", h.health)
	e.GET("/readyz", func(c *echo.Context) error { return okay(c, h.Ready()) })
	e.GET("/livez", func(c *echo.Context) error { return okay(c, h.Live(c.Request().Context())) })
}

func okay(c *echo.Context, err error) error {
	if err != nil {
		return newProblem(http.StatusServiceUnavailable, err.Error())
	}
	return c.String(http.StatusOK, "ok")
}

func (h *Health) health(c *echo.Context) error {
	answer := healthAnswer{Status: "healthy", Cluster: h.Cluster, Namespace: h.Namespace, Version: h.Version}
	answer.Reasons = h.look(c.Request().Context())
	if len(answer.Reasons) == 0 {
		return c.JSON(http.StatusOK, answer)
	}
	answer.Status = "unhealthy"
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(retryUnavailable.Seconds())))
	return c.JSON(http.StatusServiceUnavailable, answer)
}

// look probes everything at once, unless that was done within the last second. Who asks meanwhile waits for it.
func (h *Health) look(ctx context.Context) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) < probeInterval {
		return h.reasons
	}
	// One who hangs up must not make the answer of the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	failed := make([]bool, len(h.Checks))
	var group sync.WaitGroup
	for i, check := range h.Checks {
		group.Go(func() { failed[i] = check.Probe(ctx) != nil })
	}
	group.Wait()
	h.reasons = nil
	for i, check := range h.Checks {
		if failed[i] {
			h.reasons = append(h.reasons, check.Reason)
		}
	}
	h.asked = time.Now()
	return h.reasons
}
