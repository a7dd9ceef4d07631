// Package faultproxy stands between a client and an API server and spoils what passes: it refuses, delays, loses answers,
// breaks connections, and cuts watches, as its rule says. Without a rule everything passes.
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

// Fault is what becomes of one request. The zero value lets it pass.
type Fault struct {
	// Delay is before anything else.
	Delay time.Duration
	// Status is answered by the proxy; the API server never sees the request.
	Status int
	// RetryAfter, in seconds, goes with Status.
	RetryAfter int
	// Reset breaks the connection instead of passing the request on.
	Reset bool
	// LoseAnswer passes the request on and breaks the connection instead of answering.
	LoseAnswer bool
	// CutAfter ends the answer, which is a watch, after so long.
	CutAfter time.Duration
	// Lag lets every part of the answer, such as a watch's event, arrive so late.
	Lag time.Duration
	// Before is called before the request is passed on, and After when the API server has answered.
	Before, After func()
}

// Rule tells what becomes of a request. It is called for many at once.
type Rule func(*http.Request) Fault

// Proxy is one proxy, on a free port of the loopback interface.
type Proxy struct {
	server *httptest.Server
	target *httputil.ReverseProxy

	mu   sync.Mutex
	rule Rule
}

// New stands before the API server of cfg. Clients bring their own credentials.
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
		FlushInterval: -1,                                                      // a watch's events go on at once
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // breaking is what it is for
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.EnableHTTP2 = true
	p.server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	p.server.StartTLS()
	return p, nil
}

// Config is cfg by way of the proxy.
func (p *Proxy) Config(cfg *rest.Config) *rest.Config {
	through := rest.CopyConfig(cfg)
	through.Host = p.server.URL
	through.CAData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return through
}

// Set puts a rule in force, for requests to come; nil lets all pass.
func (p *Proxy) Set(rule Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// Break breaks all connections, also those of watches, so that the rule sees the next ones.
func (p *Proxy) Break() { p.server.CloseClientConnections() }

// Stop breaks all connections and ends the proxy.
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
	if !pass(r, f.Delay) || f.Reset {
		panic(http.ErrAbortHandler) // net/http's way to break the connection, or the stream
	}
	if f.Before != nil {
		f.Before()
	}
	if f.Status != 0 {
		refuse(w, f)
		return
	}
	out, end := limited(r, f.CutAfter)
	defer end()
	switch {
	case f.LoseAnswer || f.After != nil:
		w = &lost{ResponseWriter: w, fault: f}
	case f.Lag > 0:
		late := newLagging(w, f.Lag)
		defer late.end()
		w = late
	}
	p.target.ServeHTTP(w, out)
}

// pass waits, and tells whether the client still does.
func pass(r *http.Request, delay time.Duration) bool {
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

// refuse answers as an API server does (metav1.Status).
func refuse(w http.ResponseWriter, f Fault) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"refused by the fault proxy","reason":%q,"code":%d}`,
		reasons[f.Status], f.Status)
}

// reasons are those of k8s.io/apimachinery/pkg/apis/meta/v1.
var reasons = map[int]string{
	http.StatusForbidden: "Forbidden", http.StatusConflict: "Conflict", http.StatusGone: "Expired",
	http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable: "ServiceUnavailable",
}
