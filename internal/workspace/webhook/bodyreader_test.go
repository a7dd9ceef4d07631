package webhook_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// maxLarge is how many large bodies may be in memory.
const maxLarge = 128

const largeStart = "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Length: 262144\r\n\r\n{"

// stall opens connections that send the beginning of a large body and no more, and waits until each has its buffer.
func (e *edge) stall(t *testing.T, n int) []net.Conn {
	t.Helper()
	slow := make([]net.Conn, n)
	for i := range slow {
		slow[i] = e.connection(t)
		if _, err := io.WriteString(slow[i], largeStart); err != nil {
			t.Fatal(err)
		}
		e.until(t, "reading", float64(i+1))
	}
	e.untilLarge(t, float64(n)*maxBody)
	return slow
}

// An event of ordinary size is served beside any number of slow large bodies, and aborts none of them.
func TestServer_ServesSmallBodiesBesideLargeOnes(t *testing.T) {
	e := newEdge(t, noTimeouts)
	e.stall(t, maxLarge)
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", sample)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.untilLarge(t, maxLarge*maxBody)
}

// A large event waits until slow bodies are aborted, which frees their buffers.
func TestServer_AbortsSlowLargeBodies(t *testing.T) {
	e := newEdge(t, noTimeouts)
	slow := e.stall(t, maxLarge)
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", padded(maxBody))); diff != "" {
		t.Errorf("a large event (-want +got):\n%s", diff)
	}
	want := refused(http.StatusServiceUnavailable, "the service can't answer now; try again later",
		"Retry-After", "5", "Connection", "close")
	if diff := cmp.Diff(want, readAnswer(t, slow[0], largeStart)); diff != "" {
		t.Errorf("the oldest (-want +got):\n%s", diff)
	}
	for _, connection := range slow {
		_ = connection.Close()
	}
	e.untilLarge(t, 0)
}

// gatedBody is a body that can be read once the gate is open.
type gatedBody struct {
	open chan struct{}
	io.Reader
}

func (g gatedBody) Read(p []byte) (int, error) {
	<-g.open
	return g.Reader.Read(p)
}

// A large body waits until another one is decoded, and is refused when that takes too long.
func TestHandler_BoundsLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRush(t)
		large := padded(maxBody)
		post := func(open chan struct{}, length int64) {
			q := httptest.NewRequestWithContext(t.Context(), http.MethodPost, hooks, gatedBody{open, strings.NewReader(large)})
			q.ContentLength, q.Header = length, sign(t, secret, "msg_1", now, large)
			q.Header.Set("Content-Type", "application/json")
			go func() { r.answers <- answered(t, r.handler, q) }()
		}
		arrived, stalled, start := make(chan struct{}), make(chan struct{}), time.Now()
		close(arrived)
		one := make(chan struct{})
		post(one, maxBody)
		for range maxLarge - 1 {
			post(stalled, -1) // chunked: it may be as large
		}
		synctest.Wait()
		post(arrived, maxBody)
		synctest.Wait()
		if n := len(r.store.stored()); n != 0 {
			t.Fatal("more large bodies are read than may be")
		}
		close(one)
		if a, b := <-r.answers, <-r.answers; a.Status+b.Status != http.StatusAccepted+http.StatusOK || time.Since(start) > 0 {
			t.Errorf("answered %d and %d after %s", a.Status, b.Status, time.Since(start))
		}
		post(stalled, maxBody)
		synctest.Wait()
		post(arrived, maxBody)
		if got := <-r.answers; got.Status != http.StatusServiceUnavailable || time.Since(start) != 5*time.Second {
			t.Errorf("answered %d after %s", got.Status, time.Since(start))
		}
		close(stalled)
		for range maxLarge {
			<-r.answers
		}
	})
}

// A stored event keeps nothing of the buffer that the next body is read into.
func TestServer_ReusesBuffers(t *testing.T) {
	e := newEdge(t)
	large := func(id, word string) string {
		member := fmt.Sprintf(`{"kind":"User","name":%q,"role":"viewer"}`, strings.Repeat(word, 200/len(word)))
		return fmt.Sprintf(`{"type":"workspace.created","data":{"workspace_id":%q,"version":1,"name":%q,"members":[%s%s],"labels":{%q:%q}}}`,
			id, word, strings.Repeat(member+",", 400), member, word, word)
	}
	e.post(t, hooks, "msg_1", large("ws-1", "first"))
	want := e.store.stored()["ws-1"].DeepCopy()
	if want.Spec.DisplayName != "first" || len(want.Spec.Members) != 401 {
		t.Fatalf("stored %.200v", want.Spec)
	}
	for i := range 20 {
		if got := e.post(t, hooks, fmt.Sprint("other_", i), large(fmt.Sprint("ws-1", i), "other")); got.Status != http.StatusAccepted {
			t.Fatalf("answered %d", got.Status)
		}
	}
	if diff := cmp.Diff(want, e.store.stored()["ws-1"]); diff != "" {
		t.Errorf("(-first +later):\n%s", diff)
	}
}

// untilLarge waits until large bodies use this many bytes.
func (e *edge) untilLarge(t *testing.T, want float64) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	deadline := time.After(10 * time.Second)
	for largeBytes(t, e.registry) != want {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("large bodies use %v bytes, not %v", largeBytes(t, e.registry), want)
		}
	}
}

func largeBytes(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "workspace_flyte_webhook_large_body_bytes" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no metric of large bodies")
	return 0
}

// mustNotRead is a body that must not be read.
type mustNotRead struct{ *testing.T }

func (u mustNotRead) Read([]byte) (int, error) {
	u.Error("the body is read")
	return 0, io.EOF
}

// A client without tokens costs neither the reading of a body nor an HMAC. With tokens for signed requests alone, that holds
// for requests that can't be signed; others are read, so that one sender can't block another at the same address.
func TestHandler_RefusesBeforeTheBodyIsRead(t *testing.T) {
	const peer = "192.0.2.1"
	c := newCrowd(t)
	ask := func(body io.Reader, header http.Header) answer {
		r := httptest.NewRequestWithContext(c.Context(), http.MethodPost, hooks, body)
		r.RemoteAddr, r.Header = netip.AddrPortFrom(netip.MustParseAddr(peer), 4711).String(), header
		return answered(t, c.handler, r)
	}
	wrong := c.signed.Clone()
	wrong.Set("Webhook-Id", "msg_2")
	tooMany := rateLimited("Connection", "close")
	c.exhaust(peer, false)
	if diff := cmp.Diff(tooMany, ask(mustNotRead{t}, http.Header{})); diff != "" {
		t.Errorf("no signature (-want +got):\n%s", diff)
	}
	old := sign(t, secret, "msg_1", now.Add(-time.Hour), ping)
	if diff := cmp.Diff(tooMany, ask(mustNotRead{t}, old)); diff != "" {
		t.Errorf("an old signature (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tooMany, ask(strings.NewReader(ping), wrong)); diff != "" {
		t.Errorf("a wrong signature (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(taken(http.StatusOK, `{"status":"pong"}`), ask(strings.NewReader(ping), c.signed)); diff != "" {
		t.Errorf("a right signature (-want +got):\n%s", diff)
	}
	c.exhaust(peer, true)
	if diff := cmp.Diff(tooMany, ask(mustNotRead{t}, c.signed)); diff != "" {
		t.Errorf("no signed request is left (-want +got):\n%s", diff)
	}
}
