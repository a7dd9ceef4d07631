package webhook_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

var errDown = errors.New("dial tcp 10.0.0.1:443: connection refused")

// probes are what the three checks of a Health find.
type probes struct{ apiServer, flyte, controller func(context.Context) error }

func fine(context.Context) error { return nil }
func down(context.Context) error { return errDown }

// hanging is a probe that ignores its deadline.
func hanging(until <-chan struct{}) func(context.Context) error {
	return func(context.Context) error { <-until; return nil }
}

func (p probes) health() *webhook.Health {
	return &webhook.Health{
		Cluster: "flyte-eks", Namespace: "platform-services", Version: "v1.2.3",
		Flyte: func() string { return "v1.16.8" },
		Checks: []webhook.Check{
			{Reason: webhook.ReasonAPIServerUnreachable, Probe: p.apiServer},
			{Reason: webhook.ReasonFlyteUnreachable, Probe: p.flyte},
			{Reason: webhook.ReasonControllerNotProgressing, Probe: p.controller},
		},
		Ready: func() error { return nil },
		Live:  fine,
	}
}

func healthy() *webhook.Health { return probes{fine, fine, fine}.health() }

func unhealthy(reasons string) answer {
	a := taken(http.StatusServiceUnavailable,
		`{"status":"unhealthy","reasons":[`+reasons+`],`+
			`"cluster":"flyte-eks","namespace":"platform-services","version":"v1.2.3","flyte":"v1.16.8"}`)
	a.Header["Retry-After"] = "5"
	return a
}

var allFine = taken(http.StatusOK,
	`{"status":"healthy","cluster":"flyte-eks","namespace":"platform-services","version":"v1.2.3","flyte":"v1.16.8"}`)

// router serves the routes of a Health.
func router(h *webhook.Health) *echo.Echo { return webhook.NewRouter(slog.New(slog.DiscardHandler), h) }

func get(t *testing.T, handler http.Handler, path string) answer {
	t.Helper()
	return answered(t, handler, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
}

func TestHealth_GivesEachReason(t *testing.T) {
	tests := map[string]struct {
		probes probes
		want   answer
	}{
		"healthy":        {probes{fine, fine, fine}, allFine},
		"the API server": {probes{down, fine, fine}, unhealthy(`"API server unreachable"`)},
		"Flyte":          {probes{fine, down, fine}, unhealthy(`"Flyte unreachable"`)},
		"the controller": {probes{fine, fine, down}, unhealthy(`"controller not progressing"`)},
		"all":            {probes{down, down, down}, unhealthy(`"API server unreachable","Flyte unreachable","controller not progressing"`)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, get(t, router(test.probes.health()), "/health")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHealth_ProbesOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probed atomic.Int32
		release := make(chan struct{})
		handler := router(probes{fine, fine, func(context.Context) error { probed.Add(1); <-release; return nil }}.health())
		var askers sync.WaitGroup
		for range 100 {
			askers.Go(func() {
				if diff := cmp.Diff(allFine, get(t, handler, "/health")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
		synctest.Wait()
		close(release)
		askers.Wait()
		if n := probed.Load(); n != 1 {
			t.Errorf("100 askers at once made %d probes", n)
		}
		for range 100 {
			get(t, handler, "/health")
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's time: nothing waits
		}
		if n := probed.Load(); n != 10 {
			t.Errorf("100 askers within ten seconds made %d probes", n)
		}
	})
}

func TestHealth_SurvivesAHangingProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recovered, obedient := make(chan struct{}), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var started atomic.Int32
		hangs := func(ctx context.Context) error { started.Add(1); return hanging(recovered)(ctx) }
		handler := router(probes{fine, obedient, hangs}.health())
		want := unhealthy(`"Flyte unreachable","controller not progressing"`)
		for range 3 {
			start := time.Now()
			if diff := cmp.Diff(want, get(t, handler, "/health")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("the answer took %s", took)
			}
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time: nothing waits
		}
		if n := started.Load(); n != 1 {
			t.Errorf("%d probes hang; they pile up", n)
		}
		close(recovered)
		synctest.Wait()
		if diff := cmp.Diff(unhealthy(`"Flyte unreachable"`), get(t, handler, "/health")); diff != "" {
			t.Errorf("when it hangs no longer (-want +got):\n%s", diff)
		}
	})
}

func TestHealth_IgnoresAClientThatDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		slow := func(ctx context.Context) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		handler := router(probes{slow, fine, fine}.health())
		ctx, hangUp := context.WithCancel(t.Context())
		var answered atomic.Int32
		for range 2 { // one probes, the other waits for it
			go func() {
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/health", http.NoBody)
				r.ProtoMajor = 2 // an HTTP/1 client may only have half-closed
				handler.ServeHTTP(httptest.NewRecorder(), r)
				answered.Add(1)
			}()
		}
		synctest.Wait()
		hangUp()
		synctest.Wait()
		if n := answered.Load(); n != 1 {
			t.Errorf("%d who hung up have ended, want the one who did not probe", n)
		}
		close(release)
		if diff := cmp.Diff(allFine, get(t, handler, "/health")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestHealth_ReadyAndLive(t *testing.T) {
	okay := answer{Status: http.StatusOK, Header: map[string]string{"Content-Type": "text/plain; charset=UTF-8"}, Body: "ok"}
	h := probes{down, down, down}.health()
	handler := router(h)
	for _, path := range []string{"/readyz", "/livez"} {
		if diff := cmp.Diff(okay, get(t, handler, path)); diff != "" {
			t.Errorf("%s, whatever /health says (-want +got):\n%s", path, diff)
		}
	}
	h.Ready = func() error { return errors.New("stopping") }
	h.Live = func(context.Context) error { return errors.New("stalled") }
	for path, detail := range map[string]string{"/readyz": "stopping", "/livez": "stalled"} {
		want := refused(http.StatusServiceUnavailable, detail, "Retry-After", "5")
		if diff := cmp.Diff(want, get(t, handler, path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestHealth_AnswersHead(t *testing.T) {
	e := newEdge(t)
	want := answer{Status: http.StatusOK, Header: map[string]string{"Content-Type": "application/json"}}
	if diff := cmp.Diff(want, e.raw(t, "HEAD /health HTTP/1.1\r\nHost: integration\r\n\r\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
