package web_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// listener is a client that reads a stream. It is the http.ResponseWriter of the request.
type listener struct {
	header http.Header
	status int
	cancel context.CancelFunc // closes its connection

	mu      sync.Mutex
	text    bytes.Buffer
	broken  bool
	reading time.Time // the deadlines that were set last
	writing time.Time
}

func (l *listener) Header() http.Header               { return l.header }
func (l *listener) Flush()                            {}
func (l *listener) WriteHeader(status int)            { l.status = status }
func (l *listener) SetReadDeadline(t time.Time) error { l.reading = t; return nil }

func (l *listener) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = t
	return nil
}

func (l *listener) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return 0, errors.New("broken pipe")
	}
	return l.text.Write(text)
}

// events takes what has arrived: the names of the events, without heartbeats, and all the text.
func (l *listener) events() (names, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = l.text.String()
	l.text.Reset()
	var found []string
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "event: "); ok && name != "heartbeat\n" {
			found = append(found, strings.TrimSpace(name))
		}
	}
	return strings.Join(found, " "), text
}

// listen opens a stream. done is closed when it has ended.
func (p *pages) listen(t *testing.T, h http.Handler, path string, headers ...string) (l *listener, done chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, public+path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	l, done = &listener{header: http.Header{}, cancel: cancel, reading: time.Now()}, make(chan struct{})
	go func() {
		h.ServeHTTP(l, r)
		close(done)
	}()
	synctest.Wait()
	return l, done
}

func ended(done chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// streamed is the page of one workspace, whose streams see when their client is gone.
func streamed(t *testing.T) *pages {
	t.Helper()
	p := newPages(newService(t, fraud()))
	p.options.Disconnected = webhook.Disconnected
	return p
}

// change changes a workspace while no stream reads it.
func (p *pages) change(name string, change func(*v1alpha1.Workspace)) {
	synctest.Wait()
	for i := range p.cached.workspaces {
		if p.cached.workspaces[i].Name == name {
			change(&p.cached.workspaces[i])
		}
	}
	p.options.Feed.Add(web.Change{Resource: "workspaces", Name: name})
	synctest.Wait()
}

func rename(name v1alpha1.Text) func(*v1alpha1.Workspace) {
	return func(w *v1alpha1.Workspace) { w.Spec.DisplayName = name }
}

func TestStream_SendsThePageAndEachChange(t *testing.T) {
	for _, path := range []string{"/ui/live/overview", "/ui/live/workspaces", "/ui/live/workspaces/fraud"} {
		synctest.Test(t, func(t *testing.T) {
			p := streamed(t)
			l, done := p.listen(t, p.handler(), path)
			names, text := l.events()
			has(t, path, text, "retry: ", "Fraud detection")
			if names != "page" || l.header.Get("X-Accel-Buffering") != "no" || l.header.Get("Cache-Control") != "no-store, no-transform" {
				t.Errorf("%s: %s, %v", path, names, l.header)
			}
			pass(10 * time.Second)
			if _, text := l.events(); !strings.Contains(text, "event: heartbeat\n") {
				t.Errorf("%s: without a change it sends %q", path, text)
			}
			p.change("fraud", rename("Renamed"))
			if names, text := l.events(); names != "page" || !strings.Contains(text, "Renamed") {
				t.Errorf("%s: a change is sent as %q", path, names)
			}
			l.cancel()
			if !ended(done) {
				t.Errorf("%s goes on without its client", path)
			}
		})
	}
}

func TestStream_CollectsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := streamed(t)
		l, _ := p.listen(t, p.handler(), "/ui/live/overview")
		l.events()
		for i := range 50 {
			p.change("fraud", rename(v1alpha1.Text(strings.Repeat("x", i+1))))
			<-time.After(100 * time.Millisecond)
		}
		pass(2 * time.Second)
		names, text := l.events()
		if sent := strings.Count(names, "page"); sent < 4 || sent > 7 || !strings.Contains(text, strings.Repeat("x", 50)) {
			t.Errorf("50 changes in 5 s are sent %d times", sent)
		}
	})
}

// TestStream_IgnoresOtherWorkspaces: the page of one workspace reads from the API server, which must not pay for others.
func TestStream_IgnoresOtherWorkspaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := streamed(t)
		l, _ := p.listen(t, p.handler(), "/ui/live/workspaces/fraud")
		l.events()
		read := p.live.calls.Load()
		for range 10 {
			p.change("other", rename(""))
			<-time.After(time.Second)
		}
		if n := p.live.calls.Load() - read; n > 0 {
			t.Errorf("it read %d times", n)
		}
		p.cached.workspaces = nil
		p.change("fraud", nil)
		pass(2 * time.Second)
		if names, text := l.events(); names != "page" || !strings.Contains(text, "there is no such workspace") {
			t.Errorf("the deletion is sent as %s", names)
		}
	})
}

func TestStream_EndsAtShutdownWithARetryHint(t *testing.T) {
	for _, path := range []string{"/ui/live/overview", "/workspaces?watch=true"} {
		synctest.Test(t, func(t *testing.T) {
			p := streamed(t)
			draining := make(chan struct{})
			p.options.Draining = draining
			l, done := p.listen(t, p.handler(), path)
			l.events()
			close(draining)
			if !ended(done) {
				t.Errorf("%s goes on", path)
			}
			if _, text := l.events(); !strings.HasPrefix(text, "retry: ") {
				t.Errorf("%s ends with %q", path, text)
			}
		})
	}
}

// TestStream_EndsWithTheRight: when the token expires or the right is lost, and when nobody can tell.
func TestStream_EndsWithTheRight(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		end    func(*reviewer)
		within time.Duration
	}{
		"the token was deleted":    {"/ui/live/overview", func(r *reviewer) { r.users = nil }, 12 * time.Second},
		"the right was lost":       {"/ui/live/overview", func(r *reviewer) { r.rights = nil }, 12 * time.Second},
		"the right to one is lost": {"/ui/live/workspaces/fraud", func(r *reviewer) { r.rights = nil }, 12 * time.Second},
		"the right to watch":       {"/workspaces?watch=true", func(r *reviewer) { r.rights = nil }, 12 * time.Second},
		"nobody can tell":          {"/ui/live/overview", func(r *reviewer) { r.fault = errors.New("down") }, 12 * time.Second},
		"the token expires":        {"/ui/live/overview", func(r *reviewer) { r.users = nil }, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, r, _ := guarded(t, "list workspaces", "get workspaces fraud", "watch workspaces")
			p := newPages(s)
			p.options.Disconnected = webhook.Disconnected
			p.options.Authorizer = web.NewTokenAuthorizer(r, time.Now)
			expiring := jwt(time.Now().Add(3 * time.Second))
			r.users[expiring] = r.users["of-ana"]
			token := map[bool]string{true: expiring, false: "of-ana"}[name == "the token expires"]
			l, done := p.listen(t, p.handler(), c.path, "Authorization", "Bearer "+token)
			if names, _ := l.events(); names == "" || ended(done) {
				t.Fatalf("%s: it begins with %q", name, names)
			}
			r.mu.Lock()
			c.end(r)
			r.mu.Unlock()
			pass(c.within)
			if names, text := l.events(); !ended(done) || names != "ended" {
				t.Errorf("%s: after %s it sent %q", name, c.within, text)
			}
		})
	}
}

func TestStream_AnswersHeadWithoutAStream(t *testing.T) {
	for _, path := range []string{"/ui/live/overview", "/workspaces?watch=true"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodHead, public+path, http.NoBody)
		newPages(newService(t, fraud())).handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" || w.Body.Len() > 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestStream_NeedsTheRight(t *testing.T) {
	for _, path := range []string{"/ui/live/overview", "/ui/live/workspaces/fraud", "/workspaces?watch=true", "/ui/live/tiers/small"} {
		s, _, _ := guarded(t, "list workspacetiers")
		p := newPages(s)
		if got := p.get(t, path, "Authorization", ana); got.Status != http.StatusForbidden {
			t.Errorf("%s without the right: %d", path, got.Status)
		}
		if got := p.get(t, path); got.Status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", path, got.Status)
		}
	}
}

// TestStream_EndsWithTheSession: the streams of the session that signs out, and no others.
func TestStream_EndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, _ := guarded(t, "list workspaces")
		p := newPages(s)
		p.options.Disconnected = webhook.Disconnected
		r.users["of-ben"] = r.users["of-ana"]
		h := p.handler()
		l, done := p.listen(t, h, "/ui/live/overview", "Cookie", "__Host-workspaces=of-ana")
		_, others := p.listen(t, h, "/ui/live/overview", "Cookie", "__Host-workspaces=of-ben")
		l.events()
		out := httptest.NewRequestWithContext(t.Context(), http.MethodPost, public+"/ui/signout", http.NoBody)
		out.Header.Set("Cookie", "__Host-workspaces=of-ana")
		out.Header.Set("Sec-Fetch-Site", "same-origin")
		h.ServeHTTP(httptest.NewRecorder(), out)
		synctest.Wait()
		if names, _ := l.events(); !ended(done) || names != "ended" || ended(others) {
			t.Errorf("it ends with %q; others end: %t", names, ended(others))
		}
	})
}

func TestStream_BoundsTheStreamsOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := streamed(t)
		h := p.handler()
		first, done := p.listen(t, h, "/ui/live/overview")
		for range 255 {
			p.listen(t, h, "/ui/live/overview")
		}
		if l, done := p.listen(t, h, "/ui/live/overview"); !ended(done) || l.status != http.StatusServiceUnavailable {
			t.Errorf("the 257th: %d", l.status)
		}
		first.cancel()
		if !ended(done) {
			t.Error("the first goes on")
		}
		if _, done := p.listen(t, h, "/ui/live/overview"); ended(done) {
			t.Error("there is no room after one has ended")
		}
	})
}

// TestStream_EndsWhenAClientDoesNotRead: a write has a deadline, and none is left for the reading of requests.
func TestStream_EndsWhenAClientDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := streamed(t)
		l, done := p.listen(t, p.handler(), "/ui/live/overview")
		if !l.reading.IsZero() || l.writing.IsZero() || l.writing.After(time.Now().Add(10*time.Second)) {
			t.Errorf("the deadlines are %s and %s", l.reading, l.writing)
		}
		l.mu.Lock()
		l.broken = true
		l.mu.Unlock()
		pass(10 * time.Second)
		if !ended(done) {
			t.Error("it goes on")
		}
	})
}

func TestWatch_SendsWhatMatchesAndEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := streamed(t)
		p.cached.workspaces = append(p.cached.workspaces, ready("other", 5, metav1.ConditionFalse, "Conflict"))
		h := p.handler()
		l, _ := p.listen(t, h, "/workspaces?watch=true&ready=true")
		names, text := l.events()
		if names != "reset workspace synced" || !strings.Contains(text, `data: {"workspace_id":"fraud"`) {
			t.Errorf("it begins with %s", names)
		}
		id := lastID(text)
		p.change("fraud", rename("Renamed"))
		pass(2 * time.Second)
		names, text = l.events()
		if names != "workspace synced" || !strings.Contains(text, `"name":"Renamed"`) || lastID(text) == id {
			t.Errorf("a change is %q", text)
		}
		p.change("fraud", func(w *v1alpha1.Workspace) { w.Status.Conditions[0].Status = "False" })
		pass(2 * time.Second)
		if names, text = l.events(); names != "removed synced" || !strings.Contains(text, `data: {"workspace_id":"fraud"}`) {
			t.Errorf("what no longer matches is %q", text)
		}
		if names, text := l.events(); names != "" || strings.Contains(text, "synced") {
			t.Errorf("at rest it sends %q", text)
		}
		// A client that comes back gets what it lacks, and a client of another process everything.
		for known, want := range map[string]string{id: "removed synced", lastID(text): "", "other-1": "reset synced", "": "reset synced"} {
			back, _ := p.listen(t, h, "/workspaces?watch=true&ready=true", "Last-Event-ID", known)
			if names, _ := back.events(); names != want {
				t.Errorf("after %q: %q, want %q", known, names, want)
			}
		}
	})
}

func lastID(text string) string {
	_, id, _ := strings.Cut(text[strings.LastIndex(text, "\nid: "):], ": ")
	id, _, _ = strings.Cut(id, "\n")
	return id
}

func TestFeed_ForgetsOldChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := streamed(t)
		h := p.handler()
		l, _ := p.listen(t, h, "/workspaces?watch=true")
		_, text := l.events()
		for range 4097 {
			p.options.Feed.Add(web.Change{Resource: "workspaces", Name: "other"})
		}
		back, _ := p.listen(t, h, "/workspaces?watch=true", "Last-Event-ID", lastID(text))
		if names, _ := back.events(); names != "reset workspace synced" {
			t.Errorf("it gets %q", names)
		}
	})
}
