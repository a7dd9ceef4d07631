package webhook_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

const maxConnections = 2048

// waiting begins a signed POST, and returns when the handler waits for its body.
func (e *edge) waiting(t *testing.T) (c net.Conn, answers *bufio.Reader) {
	t.Helper()
	c = e.connection(t)
	head := framed(t, sample, fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(sample)))
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	answers = bufio.NewReader(c)
	begun, err := http.ReadResponse(answers, nil)
	if err != nil || begun.StatusCode != http.StatusContinue {
		t.Fatalf("%v %v", begun, err)
	}
	defer func() { _ = begun.Body.Close() }()
	return c, answers
}

// withoutTimeouts leaves the bound as the only reason to close a connection.
func withoutTimeouts(s *http.Server) {
	s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout = time.Hour, time.Hour, time.Hour
}

func noTimeouts(_ *webhook.Options, s *http.Server) { withoutTimeouts(s) }

// isClosed reports whether the server has closed a connection on which nothing is sent.
func isClosed(t *testing.T, c net.Conn, timeout time.Duration) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestServer_EvictsTheOldestIdleConnection: a connection with a POST under way stays open.
func TestServer_EvictsTheOldestIdleConnection(t *testing.T) {
	e := newEdge(t, noTimeouts)
	first, answers := e.waiting(t)
	idle := make([]net.Conn, maxConnections-1)
	for i := range idle {
		idle[i] = e.connection(t)
	}
	if diff := cmp.Diff(taken(http.StatusOK, `{"status":"pong"}`), e.post(t, hooks, "msg_2", ping)); diff != "" {
		t.Errorf("one above the bound (-want +got):\n%s", diff)
	}
	if !isClosed(t, idle[0], 30*time.Second) {
		t.Error("the oldest idle connection is still open")
	}
	if isClosed(t, idle[len(idle)-1], time.Millisecond) {
		t.Error("the newest is closed")
	}
	if _, err := io.WriteString(first, sample); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatalf("the oldest connection, with a POST under way, was closed: %v", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusAccepted {
		t.Errorf("answered %s", answer.Status)
	}
}

// TestListenTLS_EvictsTheOldestIdleConnection: also one before its TLS handshake.
func TestListenTLS_EvictsTheOldestIdleConnection(t *testing.T) {
	certificate := example(t)
	e, client := encrypted(t, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
	silent := make([]net.Conn, maxConnections)
	for i := range silent {
		silent[i] = e.connection(t)
	}
	r := e.request(t, hooks, "msg_1", ping)
	r.URL.Scheme = "https"
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK || !isClosed(t, silent[0], 30*time.Second) || isClosed(t, silent[len(silent)-1], time.Millisecond) {
		t.Errorf("answered %s; the oldest must be closed, and the newest not", answer.Status)
	}
}
