package webhook

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
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
	// Reason is said when the probe fails, or does not end in time.
	Reason string
	Probe  func(context.Context) error
}

// Health answers the three health routes. They need no authentication, and tell no more than they must.
type Health struct {
	Cluster, Namespace, Version string
	// Flyte, if not nil, is the version of Flyte that was found, empty before one was.
	Flyte func() string
	// Checks are asked by /health, at most once a second however many ask.
	Checks []Check
	// Ready says why the process should get no requests: caches that never synced, a shutdown. An API server that is
	// down is no such reason: senders shall get our 503 and not a dead address.
	Ready func() error
	// Live says why the process should be restarted.
	Live func(context.Context) error

	// turn holds one token: who has it may probe, and use what follows.
	turn    chan struct{}
	asked   time.Time
	reasons []string
	busy    []atomic.Bool // by check
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
	h.turn = make(chan struct{}, 1)
	h.turn <- struct{}{}
	h.busy = make([]atomic.Bool, len(h.Checks))
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
	var err error
	if answer.Reasons, err = h.look(c.Request().Context()); err != nil {
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

// look probes everything at once, unless that was done within the last second. Who asks meanwhile waits for it.
func (h *Health) look(ctx context.Context) ([]string, error) {
	select {
	case <-h.turn:
	case <-ctx.Done():
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	defer func() { h.turn <- struct{}{} }()
	if time.Since(h.asked) >= probeInterval {
		h.reasons = h.probeAll(ctx)
		h.asked = time.Now()
	}
	return h.reasons, nil
}

func (h *Health) probeAll(ctx context.Context) (reasons []string) {
	// One who hangs up must not make the answer of the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	healthy := make([]<-chan bool, len(h.Checks))
	for i := range h.Checks {
		healthy[i] = h.probe(ctx, i)
	}
	for i, check := range h.Checks {
		if !endsWell(ctx, healthy[i]) {
			reasons = append(reasons, check.Reason)
		}
	}
	return reasons
}

// endsWell waits for a probe until ctx ends.
func endsWell(ctx context.Context, healthy <-chan bool) bool {
	select {
	case ok := <-healthy:
		return ok
	case <-ctx.Done():
	}
	select { // another probe may have used up the time after this one had ended
	case ok := <-healthy:
		return ok
	default:
		return false
	}
}

// probe starts one probe, unless the last one of this check still has not ended, long past its time.
func (h *Health) probe(ctx context.Context, check int) <-chan bool {
	healthy := make(chan bool, 1)
	if !h.busy[check].CompareAndSwap(false, true) {
		healthy <- false
		return healthy
	}
	go func() {
		err := h.Checks[check].Probe(ctx)
		h.busy[check].Store(false)
		healthy <- err == nil
	}()
	return healthy
}
