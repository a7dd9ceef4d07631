package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// How many requests may be under way.
const (
	maxReading = 1024
	maxStoring = 1024
	maxWaiting = 256

	inFlight = "workspace_flyte_webhook_in_flight"
)

// rush is many requests to one handler at once, in a bubble of synctest.
type rush struct {
	*crowd

	answers chan answer
}

func newRush(t *testing.T) *rush {
	t.Helper()
	return &rush{crowd: newCrowd(t), answers: make(chan answer)}
}

// post sends a signed request, and does not wait for the answer.
func (r *rush) post(path, body string) {
	go func() {
		request := httptest.NewRequestWithContext(r.Context(), http.MethodPost, path, strings.NewReader(body))
		request.Header = sign(r.T, secret, "msg_1", now, body)
		request.Header.Set("Content-Type", "application/json")
		r.answers <- answered(r.T, r.handler, request)
	}()
}

func TestHandler_BoundsStoringRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, release := newRush(t), make(chan struct{})
		r.store.fault = func(context.Context) error { <-release; return nil }
		for range maxStoring {
			r.post(hooks, sample)
		}
		synctest.Wait()
		if diff := cmp.Diff(map[string]float64{"reading": 0, "storing": maxStoring, "waiting": 0}, values(t, r.registry, inFlight)); diff != "" {
			t.Errorf("under way (-want +got):\n%s", diff)
		}
		r.post(hooks, sample)
		want := refused(http.StatusServiceUnavailable, "the service can't answer now; try again later", "Retry-After", "5")
		if diff := cmp.Diff(want, <-r.answers); diff != "" {
			t.Errorf("one more (-want +got):\n%s", diff)
		}
		close(release)
		for range maxStoring {
			if got := <-r.answers; got.Status/100 != 2 {
				t.Errorf("answered %d", got.Status)
			}
		}
		r.post(hooks, sample)
		if got := (<-r.answers).Status; got != http.StatusOK {
			t.Errorf("afterwards: %d", got)
		}
	})
}

// TestHandler_BoundsConcurrentWrites: more concurrent writes would only slow the API server down.
func TestHandler_BoundsConcurrentWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const writing, queued = 32, 3 * time.Second
		r, release, begun := newRush(t), make(chan struct{}), new(atomic.Int64)
		r.store.fault = func(context.Context) error { begun.Add(1); <-release; return nil }
		for range writing + 1 {
			r.post(hooks, sample)
		}
		start := time.Now()
		if got := (<-r.answers).Status; got != http.StatusServiceUnavailable || time.Since(start) != queued {
			t.Errorf("above the bound: %d after %s", got, time.Since(start))
		}
		if n := begun.Load(); n != writing {
			t.Errorf("%d writes at a time", n)
		}
		close(release)
		for range writing {
			<-r.answers
		}
	})
}

// TestProvision_BoundsWaitingRequests: above the bound, the event is stored and only the wait is refused.
func TestProvision_BoundsWaitingRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, start := newRush(t), time.Now()
		body := func(i int) string { return fmt.Sprintf(`{"workspace_id":"ws-%d","name":"Fraud"}`, i) }
		for i := range maxWaiting {
			r.post(provision, body(i))
		}
		synctest.Wait()
		r.post(provision, wanted)
		if diff := cmp.Diff(pending, <-r.answers); diff != "" || time.Since(start) > 0 {
			t.Errorf("one more, after %s (-want +got):\n%s", time.Since(start), diff)
		}
		if n := len(r.store.stored()); n != maxWaiting+1 {
			t.Errorf("%d are stored", n)
		}
		for range maxWaiting {
			if got := <-r.answers; got.Status != http.StatusAccepted {
				t.Errorf("answered %d", got.Status)
			}
		}
		if diff := cmp.Diff(map[string]float64{"reading": 0, "storing": 0, "waiting": 0}, values(t, r.registry, inFlight)); diff != "" {
			t.Errorf("under way (-want +got):\n%s", diff)
		}
	})
}

// TestServer_AbortsTheOldestReader: slow bodies can fill the bound, and block no other sender.
func TestServer_AbortsTheOldestReader(t *testing.T) {
	e := newEdge(t, noTimeouts)
	const start = "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Length: 1000\r\n\r\n{"
	slow := make([]net.Conn, maxReading)
	for i := range slow {
		slow[i] = e.connection(t)
		if _, err := io.WriteString(slow[i], start); err != nil {
			t.Fatal(err)
		}
		e.until(t, "reading", float64(i+1))
	}
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", sample)); diff != "" {
		t.Errorf("one more (-want +got):\n%s", diff)
	}
	want := refused(http.StatusServiceUnavailable, "the service can't answer now; try again later",
		"Retry-After", "5", "Connection", "close")
	if diff := cmp.Diff(want, readAnswer(t, slow[0], start)); diff != "" {
		t.Errorf("the oldest (-want +got):\n%s", diff)
	}
	if got := values(t, e.registry, inFlight)["reading"]; got != maxReading-1 {
		t.Errorf("%v are left, want all others", got)
	}
}

// until waits for a number of requests under way.
func (e *edge) until(t *testing.T, phase string, n float64) {
	t.Helper()
	poll := time.NewTicker(100 * time.Microsecond)
	defer poll.Stop()
	deadline := time.After(10 * time.Second)
	for values(t, e.registry, inFlight)[phase] != n {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("%v are %s", values(t, e.registry, inFlight)[phase], phase)
		}
	}
}

// TestServer_ClosesAmbiguouslyFramedConnections: what follows a chunked request is never taken for a second one.
func TestServer_ClosesAmbiguouslyFramedConnections(t *testing.T) {
	e := newEdge(t)
	c := e.connection(t)
	const chunked = "GET /livez HTTP/1.1\r\nHost: integration\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	if _, err := io.WriteString(c, chunked+"GET /health HTTP/1.1\r\nHost: integration\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil || strings.Count(string(text), "HTTP/1.1 ") != 1 || !strings.HasSuffix(string(text), "\r\n\r\nok") {
		t.Errorf("the server answered %q (%v)", text, err)
	}
}
