package webhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

const maxBody = 256 << 10

var tooLarge = refused(http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB", "Connection", "close")

// padded is an event of exactly n bytes.
func padded(n int) string {
	return event("created", 1) + strings.Repeat(" ", n-len(event("created", 1)))
}

func TestServer_BoundsTheBodyToTheByte(t *testing.T) {
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	plain := func(*http.Request) {}
	for name, encode := range map[string]func(*http.Request){"of known length": plain, "chunked": chunked} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			within := e.post(t, hooks, "msg_1", padded(maxBody), encode)
			delete(within.Header, "Connection") // of no interest here
			if diff := cmp.Diff(taken(http.StatusAccepted, accepted), within); diff != "" {
				t.Errorf("256 KiB (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tooLarge, e.post(t, hooks, "msg_2", padded(maxBody+1), encode)); diff != "" {
				t.Errorf("one byte more (-want +got):\n%s", diff)
			}
		})
	}
}

// TestServer_AnswersWithoutTheRestOfALargeBody: the sender never sends it, and yet the answer is there.
func TestServer_AnswersWithoutTheRestOfALargeBody(t *testing.T) {
	chunk := strings.Repeat("x", maxBody+1)
	tests := map[string]string{
		"announced":        "Content-Length: 10485760\r\n\r\n",
		"waits to be told": "Content-Length: 10485760\r\nExpect: 100-continue\r\n\r\n",
		"chunked":          fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(chunk), chunk),
	}
	for name, rest := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			got := e.raw(t, "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\n"+rest)
			if diff := cmp.Diff(tooLarge, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestServer_RefusesLargeHeaders: net/http answers by itself, before any handler, and allows a few KiB more than it is told.
func TestServer_RefusesLargeHeaders(t *testing.T) {
	e := newEdge(t)
	within := e.post(t, hooks, "msg_1", sample, func(r *http.Request) { r.Header.Set("X-Padding", strings.Repeat("x", 15<<10)) })
	if within.Status != http.StatusAccepted {
		t.Errorf("15 KiB: %d", within.Status)
	}
	above := e.post(t, hooks, "msg_2", sample, func(r *http.Request) { r.Header.Set("X-Padding", strings.Repeat("x", 32<<10)) })
	if above.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("32 KiB: %d", above.Status)
	}
}

func TestServer_AbortsASlowBody(t *testing.T) {
	e := newEdge(t, func(_ *webhook.Options, s *http.Server) { s.ReadTimeout = 50 * time.Millisecond })
	c := e.connection(t)
	const start = "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Length: 1000\r\n\r\n{"
	if _, err := io.WriteString(c, start); err != nil {
		t.Fatal(err)
	}
	want := refused(http.StatusBadRequest, "the body could not be read", "Connection", "close")
	if diff := cmp.Diff(want, readAnswer(t, c, start)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if left := values(t, e.registry, inFlight)["reading"]; left != 0 || len(e.store.stored()) != 0 {
		t.Errorf("%v are still being read, %d are stored", left, len(e.store.stored()))
	}
}

func TestServer_AbortsSlowHeaders(t *testing.T) {
	e := newEdge(t, func(_ *webhook.Options, s *http.Server) { s.ReadHeaderTimeout = 50 * time.Millisecond })
	c := e.connection(t)
	if _, err := io.WriteString(c, "POST /webhooks/workspace HTTP/1.1\r\nHo"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.StatusBadRequest, readAnswer(t, c, "POST").Status); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text, err := io.ReadAll(c); len(text) > 0 || err != nil {
		t.Errorf("the server said %q (%v), instead of hanging up", text, err)
	}
}

func TestServer_AnswersAnIncompleteBody(t *testing.T) {
	e := newEdge(t)
	c := e.connection(t)
	const start = "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Length: 1000\r\n\r\n{"
	if _, err := io.WriteString(c, start); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	want := refused(http.StatusBadRequest, "the body could not be read")
	if diff := cmp.Diff(want, readAnswer(t, c, start)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNewServer_HasEveryBound: a zero would be no bound at all.
func TestNewServer_HasEveryBound(t *testing.T) {
	timeouts := webhook.Timeouts{Provision: 25 * time.Second, Idle: 620 * time.Second}
	s := webhook.NewServer("127.0.0.1:0", nil, timeouts, slog.New(slog.DiscardHandler))
	got := map[string]any{
		"address": s.Addr, "headers": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout,
		"idle": s.IdleTimeout, "header bytes": s.MaxHeaderBytes, "HTTP/2": *s.HTTP2,
	}
	want := map[string]any{
		"address": "127.0.0.1:0", "headers": 5 * time.Second, "read": 10 * time.Second, "write": 45 * time.Second,
		"idle": 620 * time.Second, "header bytes": 16 << 10, "HTTP/2": http.HTTP2Config{
			MaxConcurrentStreams: 64, MaxReadFrameSize: 64 << 10, MaxReceiveBufferPerStream: 64 << 10,
			MaxReceiveBufferPerConnection: 256 << 10, WriteByteTimeout: 10 * time.Second,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
