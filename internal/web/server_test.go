package web_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// pipes is a listener whose connections are in memory, so that their deadlines follow the time of a bubble.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// dial sends a request, and returns the connection, whose answer is read line by line.
func (p *pipes) dial(t *testing.T, path string) (conn net.Conn, lines chan string) {
	t.Helper()
	client, server := net.Pipe()
	p.accepted <- server
	if _, err := fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	lines = make(chan string, 10000)
	go func() {
		defer close(lines)
		for r := bufio.NewScanner(client); r.Scan(); {
			lines <- r.Text()
		}
	}()
	return client, lines
}

// TestStream_FitsTheServer: a stream outlives the timeouts of the real server, ends with its connection, and does not delay a shutdown.
func TestStream_FitsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, draining := streamed(t), make(chan struct{})
		p.options.Draining = draining
		server := webhook.NewServer("", p.handler(), webhook.Timeouts{Provision: time.Second, Idle: time.Minute}, slog.New(slog.DiscardHandler))
		lis := &pipes{make(chan net.Conn), make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(lis) }()

		conn, lines := lis.dial(t, "/ui/live/overview")
		_, others := lis.dial(t, "/workspaces?watch=true")
		pass(10 * time.Minute)
		if n := countOf(lines, "event: heartbeat"); n != 60 {
			t.Errorf("%d heartbeats in 10 minutes", n)
		}
		if n := countOf(others, "event: heartbeat"); n != 60 {
			t.Errorf("%d heartbeats in 10 minutes of a watch", n)
		}
		reads := p.cached.calls.Load()
		_ = conn.Close()
		synctest.Wait()
		pass(time.Minute)
		if after := p.cached.calls.Load() - reads; after > 0 {
			t.Errorf("without its client, the stream reads %d times", after)
		}
		close(draining)
		began := time.Now()
		if err := server.Shutdown(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("the shutdown took %s: %v", time.Since(began), err)
		}
		if n := countOf(others, "retry: "); n != 1 {
			t.Errorf("the stream that was open ended with %d hints", n)
		}
		if err := <-served; err != http.ErrServerClosed { //nolint:errorlint // it is returned as it is
			t.Error(err)
		}
	})
}

// countOf counts the lines that have arrived and begin so.
func countOf(lines chan string, prefix string) (n int) {
	synctest.Wait()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return n
			}
			if strings.HasPrefix(line, prefix) {
				n++
			}
		default:
			return n
		}
	}
}
