package faultproxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// start starts a proxy in front of a server that counts its requests and answers "one". A response to /watch doesn't end before the
// client goes away.
func start(t *testing.T) (*Proxy, *http.Client, *atomic.Int64) {
	t.Helper()
	var seen atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		_, _ = io.WriteString(w, "one")
		if r.URL.Path == "/watch" {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	cfg := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	cfg.Insecure = false
	client, err := rest.HTTPClientFor(p.Config(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return p, client, &seen
}

// response is what a client received.
type response struct {
	status     int
	retryAfter string
	text       string
}

func get(t *testing.T, p *Proxy, client *http.Client, path string) (response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return response{r.StatusCode, r.Header.Get("Retry-After"), string(text)}, err
}

func always(f Fault) Rule { return func(*http.Request) Fault { return f } }

func TestProxy_PassesAllWithoutRule(t *testing.T) {
	p, client, _ := start(t)
	a, err := get(t, p, client, "/")
	if err != nil || a.status != http.StatusOK || a.text != "one" {
		t.Errorf("answered %+v %v", a, err)
	}
}

func TestProxy_Refuses(t *testing.T) {
	p, client, seen := start(t)
	p.Set(always(Fault{Status: http.StatusTooManyRequests, RetryAfter: 3}))
	a, err := get(t, p, client, "/")
	if err != nil || a.status != http.StatusTooManyRequests || a.retryAfter != "3" || seen.Load() != 0 {
		t.Errorf("answered %+v %v, the server saw %d", a, err, seen.Load())
	}
}

func TestProxy_BreaksBeforeAndAfterTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		seen  int64
	}{"before": {Fault{Reset: true}, 0}, "after": {Fault{LoseAnswer: true}, 1}} {
		t.Run(name, func(t *testing.T) {
			p, client, seen := start(t)
			p.Set(always(c.fault))
			a, err := get(t, p, client, "/")
			if err == nil || seen.Load() != c.seen {
				t.Errorf("answered %+v %v, the server saw %d", a, err, seen.Load())
			}
		})
	}
}

func TestProxy_CallsAfterTheServerHasAnswered(t *testing.T) {
	p, client, seen := start(t)
	var then int64
	p.Set(always(Fault{After: func() { then = seen.Load() }}))
	if a, err := get(t, p, client, "/"); err != nil || a.text != "one" || then != 1 {
		t.Errorf("answered %+v %v; After was called when the server had seen %d", a, err, then)
	}
}

// TestProxy_CutsAWatch expects an error on the client, which must not take the cut for the proper end of the watch.
func TestProxy_CutsAWatch(t *testing.T) {
	p, client, _ := start(t)
	p.Set(always(Fault{CutAfter: 10 * time.Millisecond}))
	a, err := get(t, p, client, "/watch")
	if err == nil {
		t.Errorf("the watch ended as if it were complete: %+v", a)
	}
}

// TestProxy_CutsAWatchThatTheServerEnds: a server that notices the cut first may end its response properly.
func TestProxy_CutsAWatchThatTheServerEnds(t *testing.T) {
	endsProperly := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "one")
		<-r.Context().Done()
	})
	server := httptest.NewServer(cutAfter(endsProperly, time.Millisecond))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := server.Client().Do(request)
	if err == nil {
		defer r.Body.Close()
		_, err = io.ReadAll(r.Body)
	}
	if err == nil {
		t.Error("the watch ended as if it were complete")
	}
}

func TestProxy_DelaysTheResponse(t *testing.T) {
	const lag = 50 * time.Millisecond
	p, client, _ := start(t)
	p.Set(always(Fault{Lag: lag}))
	began := time.Now()
	a, err := get(t, p, client, "/")
	if err != nil || a.text != "one" || time.Since(began) < lag {
		t.Errorf("answered %+v %v after %v", a, err, time.Since(began))
	}
}
