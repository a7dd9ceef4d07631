package webhook_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

const (
	secret      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret = "whsec_kyzgPvtmrBEPSnI0PNNBiIL2BICfYMMcK3u/sg0ieus="
	privateKey  = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	publicKey   = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

	hooks     = "/webhooks/workspace"
	provision = "/provision"
)

// now is when everything happens: the verifier's clock stands still.
var now = time.Date(2026, 11, 20, 8, 41, 0, 0, time.UTC)

// edge is the real handler behind a real listener, with a store in memory.
type edge struct {
	address  string
	store    *memory
	registry *prometheus.Registry
	log      *strings.Builder // to be read when the server has ended
	client   *http.Client
	read     atomic.Int64 // bytes, of all connections
	// shutting is closed when a server that start started has begun to shut down.
	shutting chan struct{}
}

// options returns those of a handler with this store.
func options(t *testing.T, store webhook.Store) webhook.Options {
	t.Helper()
	naming, err := workspace.NewNaming("{prefix}{project}", "flyte-", nil, []string{"flyte-system"})
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Options{
		Verifier:   signature.NewVerifier(func() *signature.Keys { return keysOf(secret) }, 5*time.Minute, func() time.Time { return now }),
		Validator:  workspace.NewValidator(naming),
		Store:      store,
		ConsoleURL: func(id string) string { return "https://flyte.company.com/console/projects/" + id },
		DomainURLs: func(id string) map[string]string {
			return map[string]string{"production": "https://flyte.company.com/console/projects/" + id + "/workflows?domain=production"}
		},
		ProvisionTimeout: time.Minute,
		Metrics:          prometheus.NewRegistry(),
	}
}

// knownKeys are shared by all tests: fingerprints are slow on purpose, and each Keys computes its own once.
var knownKeys sync.Map

// keysOf parses secrets, which must be valid.
func keysOf(secrets string) *signature.Keys {
	keys, err := signature.ParseKeys(secrets)
	if err != nil {
		panic(err)
	}
	known, _ := knownKeys.LoadOrStore(secrets, keys)
	return known.(*signature.Keys)
}

// clockStandsStill lets no rate limit allow more than its burst.
func clockStandsStill(o *webhook.Options, _ *http.Server) { o.Now = func() time.Time { return now } }

// newEdge starts an edge until the test ends. change may adapt what it is made of.
func newEdge(t *testing.T, change ...func(*webhook.Options, *http.Server)) *edge {
	t.Helper()
	store, registry := newMemory(), prometheus.NewRegistry()
	o := options(t, store)
	o.Metrics = registry
	log := &strings.Builder{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	server := webhook.NewServer("", nil, webhook.Timeouts{Provision: o.ProvisionTimeout, Idle: 2 * time.Minute}, logger)
	for _, adapt := range change {
		adapt(&o, server)
	}
	server.Handler = webhook.NewRouter(logger, webhook.NewHandler(o), healthy(), broken{})
	e := &edge{store: store, registry: registry, log: log}
	e.address = serve(t, server, &e.read)
	e.client = &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(e.client.CloseIdleConnections)
	return e
}

func serve(t *testing.T, server *http.Server, read *atomic.Int64) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(metered{listener, read}) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// metered counts the bytes that are read of its connections.
type metered struct {
	net.Listener

	read *atomic.Int64
}

type meteredConn struct {
	*net.TCPConn

	read *atomic.Int64
}

func (m metered) Accept() (net.Conn, error) {
	c, err := m.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return meteredConn{tcp, m.read}, err
	}
	return c, err
}

func (c meteredConn) Read(into []byte) (int, error) {
	n, err := c.TCPConn.Read(into)
	c.read.Add(int64(n))
	return n, err
}

// answer is what a client sees, less what net/http adds to every answer.
type answer struct {
	Status int
	Header map[string]string
	Body   string
}

// request is a webhook that is signed as it must be.
func (e *edge) request(t *testing.T, path, id, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = sign(t, secret, id, now, body)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func sign(t *testing.T, secret, id string, at time.Time, body string) http.Header {
	t.Helper()
	signer, err := signature.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return signer.Sign(id, at, []byte(body))
}

// post sends a signed webhook; change may spoil it.
func (e *edge) post(t *testing.T, path, id, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r := e.request(t, path, id, body)
	for _, spoil := range change {
		spoil(r)
	}
	return e.do(t, r)
}

func (e *edge) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := e.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return answerOf(t, response)
}

func answerOf(t *testing.T, r *http.Response) answer {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, r, body)
	a := answer{Status: r.StatusCode, Header: map[string]string{}, Body: strings.TrimSuffix(string(body), "\n")}
	if r.Close { // net/http has taken the header away
		a.Header["Connection"] = "close"
	}
	for name, values := range r.Header {
		if name != "Date" && name != "Content-Length" {
			a.Header[name] = strings.Join(values, ",")
		}
	}
	return a
}

// connection is a bare one, for requests that no client would send.
func (e *edge) connection(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", e.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	connection, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("%T is no TCP connection", c)
	}
	return connection
}

// raw sends a request's bytes as they are.
func (e *edge) raw(t *testing.T, text string) answer {
	t.Helper()
	c := e.connection(t)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, c, text)
}

func readAnswer(t *testing.T, from io.Reader, request string) answer {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(from), asked(request))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return answerOf(t, response)
}

// asked is what the first line of a request's text asks for.
func asked(text string) *http.Request {
	method, rest, _ := strings.Cut(text, " ")
	target, _, _ := strings.Cut(rest, " ")
	r := &http.Request{Method: method}
	r.URL, _ = url.ParseRequestURI(target)
	return r
}

// answered is what a handler answers to a request that came over no network.
func answered(t *testing.T, handler http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	response := w.Result()
	response.Request = r
	return answerOf(t, response)
}

// ask gives a signed request to a handler without a network, for tests whose time is not the world's.
func ask(t *testing.T, o webhook.Options, path, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header = sign(t, secret, "msg_1", now, body)
	r.Header.Set("Content-Type", "application/json")
	return answered(t, webhook.NewRouter(slog.New(slog.DiscardHandler), webhook.NewHandler(o)), r)
}

// taken is an answer of 2xx.
func taken(status int, body string) answer {
	return answer{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: body}
}

// refused is a problem document. More of it comes as name and value of headers.
func refused(status int, detail string, headers ...string) answer {
	return refusedFor(status, detail, "", headers...)
}

// invalid is a 422 with these errors, in JSON.
func invalid(errors string) answer {
	return refusedFor(http.StatusUnprocessableEntity, "the request is invalid", `,"errors":[`+errors+`]`)
}

func refusedFor(status int, detail, more string, headers ...string) answer {
	a := answer{Status: status, Header: map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store"}}
	for i := 0; i < len(headers); i += 2 {
		a.Header[headers[i]] = headers[i+1]
	}
	a.Body = fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":%q%s}`, http.StatusText(status), status, detail, more)
	return a
}
