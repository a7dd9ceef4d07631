package webhook_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// lateStore waits until net/http has cancelled the request's context. It fails if the handler's context ends with it.
type lateStore struct {
	*memory

	requests chan context.Context // net/http's own
	waited   chan error           // the error of the context of Await
}

func (s *lateStore) Record(ctx context.Context, e workspace.Event, d workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error) {
	<-(<-s.requests).Done()
	if ctx.Err() != nil {
		return nil, "", fmt.Errorf("storing: %w", ctx.Err())
	}
	return s.memory.Record(ctx, e, d)
}

func (s *lateStore) Await(ctx context.Context, id string, ready func(*v1alpha1.Workspace) bool) (*v1alpha1.Workspace, error) {
	s.waited <- ctx.Err()
	if ctx.Err() != nil {
		return &v1alpha1.Workspace{}, ctx.Err()
	}
	s.update(id, setsReady(metav1.ConditionTrue, v1alpha1.ReasonReady))
	return s.memory.Await(ctx, id, ready)
}

// newLate returns a handler with a lateStore.
func newLate(t *testing.T) (*lateStore, http.Handler) {
	t.Helper()
	store := &lateStore{memory: newMemory(), requests: make(chan context.Context, 1), waited: make(chan error, 1)}
	router := webhook.NewRouter(slog.New(slog.DiscardHandler), webhook.NewHandler(options(t, store)))
	return store, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		store.requests <- r.Context()
		router.ServeHTTP(w, r)
	})
}

// halfCloser is a connection whose sending side can be closed alone.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// TestServer_AnswersAClientThatHalfCloses: a client that has sent its request may shut down its sending side and wait
// for the answer, over TCP and over TLS.
func TestServer_AnswersAClientThatHalfCloses(t *testing.T) {
	certificate := example(t)
	transports := map[string]struct {
		serve   func(*http.Server, net.Listener) net.Listener
		connect func(*net.TCPConn) halfCloser
	}{
		"TCP": {
			func(_ *http.Server, l net.Listener) net.Listener { return l },
			func(c *net.TCPConn) halfCloser { return c },
		},
		"TLS": {
			func(s *http.Server, l net.Listener) net.Listener {
				return webhook.ListenTLS(s, l, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
			},
			func(c *net.TCPConn) halfCloser { return tls.Client(c, &tls.Config{InsecureSkipVerify: true}) },
		},
	}
	requests := map[string]struct {
		body string
		want answer
	}{
		hooks:     {sample, taken(http.StatusAccepted, accepted)},
		provision: {wanted, success},
	}
	for name, transport := range transports {
		for path, request := range requests {
			t.Run(name+path, func(t *testing.T) {
				store, handler := newLate(t)
				e := &edge{store: store.memory}
				server := webhook.NewServer("", handler, webhook.Timeouts{Provision: time.Minute}, slog.New(slog.DiscardHandler))
				e.address = serveOn(t, server, transport.serve)
				c, r := transport.connect(e.connection(t)), e.request(t, path, "msg_1", request.body)
				if err := r.Write(c); err != nil {
					t.Fatal(err)
				}
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				got := readAnswer(t, c, "POST "+path+" HTTP/1.1")
				delete(got.Header, "Connection")
				if diff := cmp.Diff(request.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// serveOn serves on a new listener until the test ends.
func serveOn(t *testing.T, server *http.Server, wrap func(*http.Server, net.Listener) net.Listener) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wrapped := wrap(server, metered{listener, new(atomic.Int64)})
	go func() { _ = server.Serve(wrapped) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// TestServer_FinishesTheWriteOfAClientThatResets: an HTTP/2 client that resets its stream gives up on the answer. The
// write that has begun ends by itself, since the API server works on it anyway; nothing waits for Ready.
func TestServer_FinishesTheWriteOfAClientThatResets(t *testing.T) {
	store, handler := newLate(t)
	f := openHTTP2(t, handler)
	fields := []hpack.HeaderField{{Name: "content-type", Value: "application/json"}}
	for name, values := range sign(t, secret, "msg_1", now, wanted) {
		fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: values[0]})
	}
	f.openAt(1, provision, fields...)
	f.must(f.WriteData(1, true, []byte(wanted)))
	f.must(f.WriteRSTStream(1, http2.ErrCodeCancel))
	if err := <-store.waited; err == nil {
		t.Error("the answer is still waited for")
	}
	if store.stored()["ws-001"] == nil {
		t.Error("nothing is stored")
	}
}
