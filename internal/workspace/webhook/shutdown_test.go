package webhook_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// TestServer_FinishesRequestsOnShutdown: one request is being stored, one is half sent, one waits for
// Ready; all are answered, new connections are not taken, and the server ends by itself.
func TestServer_FinishesRequestsOnShutdown(t *testing.T) {
	process, stop := context.WithCancel(t.Context())
	storing, release := make(chan struct{}), make(chan struct{})
	waiting, probing, unready := make(chan struct{}), make(chan struct{}), make(chan struct{})
	e := &edge{store: newMemory()}
	e.store.awaiting = func() { close(waiting) }
	o := options(t, e.store)
	o.Draining = process.Done()
	h := healthy()
	h.Ready = func() error {
		close(probing)
		<-unready // the probe is under way when the process is told to stop
		if process.Err() != nil {
			return errors.New("stopping")
		}
		return nil
	}
	ended := e.start(process, t, webhook.NewRouter(slog.New(slog.DiscardHandler), webhook.NewHandler(o), h))

	provisioned := e.send(t, e.request(t, provision, "msg_2", `{"workspace_id":"ws-001","name":"Fraud"}`))
	<-waiting
	e.store.fault = func(context.Context) error { close(storing); <-release; return nil }
	stored := e.send(t, e.request(t, hooks, "msg_1", sample))
	<-storing
	probed := e.send(t, e.get(t, "/readyz"))
	<-probing

	stop()
	answered := <-provisioned
	delete(answered.Header, "Connection") // the wait may end before the server does
	if diff := cmp.Diff(pending, answered); diff != "" {
		t.Errorf("a wait (-want +got):\n%s", diff)
	}
	<-e.shutting // else the answer may leave before the server knows that no other will
	close(unready)
	if diff := cmp.Diff(refused(http.StatusServiceUnavailable, "stopping", "Retry-After", "5", "Connection", "close"), <-probed); diff != "" {
		t.Errorf("/readyz (-want +got):\n%s", diff)
	}
	select {
	case err := <-ended:
		t.Fatalf("the server ended (%v) before its last answer", err)
	default:
	}
	close(release)
	if diff := cmp.Diff(closing(taken(http.StatusAccepted, accepted)), <-stored); diff != "" {
		t.Errorf("what was being stored (-want +got):\n%s", diff)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", e.address); err == nil {
		_ = c.Close()
		t.Error("a new connection was taken")
	}
}

// start serves as the manager of the service does, until the process ends.
func (e *edge) start(process context.Context, t *testing.T, handler http.Handler) (ended <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.address, e.client = listener.Addr().String(), &http.Client{Transport: &http.Transport{}}
	drain, done := time.Minute, make(chan error, 1)
	e.shutting = make(chan struct{})
	server := &manager.Server{
		Name: "edge", ShutdownTimeout: &drain, Listener: metered{listener, new(atomic.Int64)},
		Server: webhook.NewServer("", handler, webhook.Timeouts{Provision: time.Minute}, slog.New(slog.DiscardHandler)),
	}
	server.Server.RegisterOnShutdown(func() { close(e.shutting) })
	go func() { done <- server.Start(process) }()
	return done
}

// send asks, and gives the answer later.
func (e *edge) send(t *testing.T, r *http.Request) <-chan answer {
	t.Helper()
	answers := make(chan answer, 1)
	go func() { answers <- e.do(t, r) }()
	return answers
}
