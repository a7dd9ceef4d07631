package webhook_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// What an attack may cost: of the network what fits a body and its headers, of memory a few times that (a body is read into
// a buffer that grows), of time less than the timeouts that end it otherwise.
const (
	attackBytes  = 2*maxBody + 64<<10 // net/http reads on for another 256 KiB, to be able to answer
	attackAnswer = 64 << 10
	attackTime   = 8 * time.Second
	// attackMemory bounds all allocations for an unsigned request, sender and answer included, and signedMemory those for a
	// signed one: the decoder remembers every name of a document to find duplicates.
	attackMemory = 8 * maxBody
	signedMemory = 32 * maxBody
)

var (
	unauthorized = refused(http.StatusUnauthorized, signatureDetail)
	malformed    = refused(http.StatusBadRequest, "the body could not be read", "Connection", "close")
	usedBefore   = refused(http.StatusConflict, "this webhook-id was used before with another body")
	// unparsed is net/http's own answer to what is not HTTP.
	unparsed = answerOfServer(http.StatusBadRequest, "400 Bad Request")
)

// answerOfServer is an answer that net/http gives before any handler runs.
func answerOfServer(status int, body string) answer {
	return answer{
		Status: status, Body: body,
		Header: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Connection": "close"},
	}
}

// attack is one request and its expected answer. Nothing of it may be stored.
type attack struct {
	raw  string
	want answer
}

// stage is the state before an attack: an event that was accepted, or a connection that stays open.
type stage struct {
	before string
	held   bool
	// timeout, where set, replaces the server's timeout for reading a request.
	timeout time.Duration
}

// isSigned reports whether the signature is valid, so that the JSON is decoded.
func (a attack) isSigned() bool {
	switch a.want.Status {
	case http.StatusAccepted, http.StatusOK, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		return true
	}
	return strings.Contains(a.want.Body, "nested") || strings.Contains(a.want.Body, "JSON") || strings.Contains(a.want.Body, "twice")
}

// framed is a request over a bare connection; its frame is what the attack says it is.
func framed(t *testing.T, body, frame string, change ...func(http.Header)) string {
	t.Helper()
	h := sign(t, secret, "msg_1", now, body)
	h.Set("Content-Type", "application/json")
	for _, spoil := range change {
		spoil(h)
	}
	text := &strings.Builder{}
	text.WriteString("POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\n")
	if err := h.Write(text); err != nil {
		t.Fatal(err)
	}
	return text.String() + frame
}

// plain is a request with an honest frame.
func plain(t *testing.T, body string, change ...func(http.Header)) string {
	t.Helper()
	return framed(t, body, fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body), change...)
}

func header(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }

// signedAs is an honest request of this id.
func signedAs(t *testing.T, id, body string) string {
	t.Helper()
	return plain(t, body, func(h http.Header) {
		maps.Copy(h, sign(t, secret, id, now, body))
	})
}

// resigned signs the body with another secret, or at another time.
func resigned(t *testing.T, secret string, at time.Time) func(http.Header) {
	t.Helper()
	return func(h http.Header) {
		h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
		h.Set("Webhook-Signature", sign(t, secret, "msg_1", at, sample).Get("Webhook-Signature"))
	}
}

func TestEdge_WithstandsSignatureAttacks(t *testing.T) { withstand(t, stage{}, signatureAttacks(t)) }
func TestEdge_WithstandsBodyAttacks(t *testing.T)      { withstand(t, stage{}, bodyAttacks(t)) }
func TestEdge_WithstandsFrameAttacks(t *testing.T)     { withstand(t, stage{}, frameAttacks(t)) }

func TestEdge_WithstandsSlowAttacks(t *testing.T) {
	withstand(t, stage{held: true, timeout: 200 * time.Millisecond}, slowAttacks(t))
}

func TestEdge_WithstandsReplays(t *testing.T) {
	withstand(t, stage{before: plain(t, sample), held: true}, replayAttacks(t))
}

// withstand runs each attack, and checks its answer, its effect and its cost.
func withstand(t *testing.T, s stage, attacks map[string]attack) {
	t.Helper()
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			target := newEdge(t, knowing(secret+" "+publicKey), func(_ *webhook.Options, server *http.Server) {
				if s.timeout > 0 {
					server.ReadTimeout = s.timeout
				}
			})
			target.raw(t, "GET /livez HTTP/1.1\r\nHost: integration\r\n\r\n") // what is made once is nobody's cost
			if s.before != "" {
				target.raw(t, s.before)
			}
			stored := target.store.stored()
			target.costs(t, a, s.held)
			if diff := cmp.Diff(stored, target.store.stored()); diff != "" {
				t.Errorf("something was stored (-before +after):\n%s", diff)
			}
		})
	}
}

// costs makes the attack, and measures it.
func (e *edge) costs(t *testing.T, a attack, held bool) {
	t.Helper()
	request, memory := []byte(a.raw), uint64(attackMemory)
	if a.isSigned() {
		memory = signedMemory
	}
	e.read.Store(0)
	began, before := time.Now(), allocated()
	got := e.exchange(t, request, held)
	if cost := allocated() - before; cost > memory {
		t.Errorf("%d bytes were allocated", cost)
	}
	if took := time.Since(began); took > attackTime {
		t.Errorf("it took %s", took)
	}
	if read := e.read.Load(); read > attackBytes {
		t.Errorf("%d bytes were read", read)
	}
	if n := len(got.Body); n > attackAnswer {
		t.Errorf("%d bytes were answered", n)
	}
	if diff := cmp.Diff(a.want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// knowing lets the edge verify with these keys.
func knowing(keys string) func(*webhook.Options, *http.Server) {
	return func(o *webhook.Options, _ *http.Server) {
		o.Verifier = signature.NewVerifier(func() *signature.Keys { return keysOf(keys) }, 5*time.Minute, func() time.Time { return now })
	}
}

// allocated is how many bytes this process has ever allocated, the test's own among them.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// exchange sends an attack and reads the answer at the same time: the server may refuse it before all is written.
func (e *edge) exchange(t *testing.T, request []byte, held bool) answer {
	t.Helper()
	c := e.connection(t)
	go func() {
		_, _ = c.Write(request)
		if !held {
			_ = c.CloseWrite()
		}
	}()
	text, _ := io.ReadAll(c) // a reset after the answer is no fault
	if n := bytes.Count(text, []byte("HTTP/1.")); n != 1 {
		t.Errorf("there are %d answers: %q", n, text)
	}
	head, body, _ := strings.Cut(string(text), "\r\n\r\n")
	if strings.HasSuffix(head, "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close") { // net/http's own
		status, _ := strconv.Atoi(head[len("HTTP/1.1 "):][:3])
		return answerOfServer(status, body)
	}
	line, _, _ := bytes.Cut(request[:min(len(request), maxBody)], []byte("\n"))
	return readAnswer(t, bytes.NewReader(text), string(line))
}
