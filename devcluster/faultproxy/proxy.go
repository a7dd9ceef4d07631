// Package faultproxy is a proxy between a client and an API server that injects faults: it refuses and delays requests, drops
// responses, breaks connections and cuts watches, as its rule says. Without a rule every request passes unchanged.
package faultproxy

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Fault is injected into one request. The zero value lets it pass. Of CutAfter, LoseAnswer with After, and Lag, one applies.
type Fault struct {
	// Delay comes before anything else.
	Delay time.Duration
	// Status is the proxy's own response; the API server never sees the request.
	Status int
	// RetryAfter, in seconds, is sent with Status.
	RetryAfter int
	// Reset breaks the connection instead of forwarding the request.
	Reset bool
	// LoseAnswer forwards the request and breaks the connection instead of answering.
	LoseAnswer bool
	// CutAfter breaks the response off, such as a watch, after so long.
	CutAfter time.Duration
	// Lag delays every part of the response, such as a watch's event, by so long.
	Lag time.Duration
	// Before is called before the request is forwarded, and After when the API server has answered.
	Before, After func()
}

// Rule chooses the fault of a request. It is called concurrently.
type Rule func(*http.Request) Fault

// Proxy is one proxy on a free port of the loopback interface.
type Proxy struct {
	server *httptest.Server
	target *httputil.ReverseProxy

	mu   sync.Mutex
	rule Rule
}

// New starts a proxy in front of the API server of cfg. Clients send their own credentials.
func New(cfg *rest.Config) (*Proxy, error) {
	target, err := url.Parse(cfg.Host)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address: %w", err)
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("making a transport to the API server: %w", err)
	}
	p := &Proxy{}
	p.target = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,                                                      // forward a watch's events at once
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // broken connections are intended
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.EnableHTTP2 = true
	p.server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	p.server.StartTLS()
	return p, nil
}

// Config is cfg with the proxy as the API server.
func (p *Proxy) Config(cfg *rest.Config) *rest.Config {
	through := rest.CopyConfig(cfg)
	through.Host = p.server.URL
	through.CAData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return through
}

// Set replaces the rule for requests to come; nil lets all pass.
func (p *Proxy) Set(rule Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// Break breaks all connections, those of watches too, so that clients reconnect under the current rule.
func (p *Proxy) Break() { p.server.CloseClientConnections() }

// Stop breaks all connections and stops the proxy.
func (p *Proxy) Stop() {
	p.Break()
	p.server.Close()
}

func (p *Proxy) fault(r *http.Request) Fault {
	p.mu.Lock()
	rule := p.rule
	p.mu.Unlock()
	if rule == nil {
		return Fault{}
	}
	return rule(r)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	f := p.fault(r)
	if !wait(r, f.Delay) || f.Reset {
		panic(http.ErrAbortHandler) // net/http then breaks the connection, or the HTTP/2 stream
	}
	if f.Before != nil {
		f.Before()
	}
	switch {
	case f.Status != 0:
		refuse(w, f)
	case f.CutAfter > 0:
		cutAfter(p.target, f.CutAfter).ServeHTTP(w, r)
	case f.LoseAnswer || f.After != nil:
		p.target.ServeHTTP(&interceptedResponse{ResponseWriter: w, fault: f}, r)
	case f.Lag > 0:
		delayed := newDelayedResponse(w, f.Lag)
		defer delayed.finish()
		p.target.ServeHTTP(delayed, r)
	default:
		p.target.ServeHTTP(w, r)
	}
}

// wait waits for the delay and reports whether the client is still there.
func wait(r *http.Request, delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	select {
	case <-time.After(delay):
		return true
	case <-r.Context().Done():
		return false
	}
}

// refuse answers with a metav1.Status, as an API server does.
func refuse(w http.ResponseWriter, f Fault) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"refused by the fault proxy","reason":%q,"code":%d}`,
		reasons[f.Status], f.Status)
}

// reasons are the metav1.StatusReason by status code.
var reasons = map[int]string{
	http.StatusForbidden: "Forbidden", http.StatusConflict: "Conflict", http.StatusGone: "Expired",
	http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable: "ServiceUnavailable",
}
