package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// apiServer is a model of an API server under writes.
type apiServer struct {
	// takes returns how long a write takes while this many are under way.
	takes   func(writing int) time.Duration
	oneCore bool

	mu      sync.Mutex
	writing int
	most    int
	free    time.Time // when the core is
	done    []time.Time
}

func (s *apiServer) write(ctx context.Context) error {
	select {
	case <-time.After(time.Until(s.begin())):
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing--
	if ctx.Err() != nil {
		return &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't store it now", Err: ctx.Err()}
	}
	s.done = append(s.done, time.Now())
	return nil
}

// begin starts a write, and returns when it will end.
func (s *apiServer) begin() (end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing++
	s.most = max(s.most, s.writing)
	end = time.Now()
	if s.oneCore && s.free.After(end) {
		end = s.free
	}
	end = end.Add(s.takes(s.writing))
	s.free = end
	return end
}

// since returns how many writes were completed after then.
func (s *apiServer) since(then time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.done {
		if at.After(then) {
			n++
		}
	}
	return n
}

// inParallel lets every write take the same time, as with a slow disk.
func inParallel(takes time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return takes }
}

// newOneCore returns a server with one core, which needs this much work for a write, and more above its efficient number of
// concurrent writes.
func newOneCore(work time.Duration, efficient int) *apiServer {
	return &apiServer{oneCore: true, takes: func(writing int) time.Duration {
		return work * time.Duration(max(efficient, writing)) / time.Duration(efficient)
	}}
}

// offered counts the answers to requests at a constant rate.
type offered struct {
	statuses map[int]int
	slowest  time.Duration
}

// offer sends events of different workspaces at a constant rate, without waiting for answers, and then waits for all answers.
func (r *rush) offer(perSecond int, during time.Duration) offered {
	total := int(during.Seconds() * float64(perSecond))
	o := offered{statuses: map[int]int{}}
	var mu sync.Mutex
	var under sync.WaitGroup
	interval := time.Second / time.Duration(perSecond)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for i := range total {
		under.Go(func() {
			began := time.Now()
			status := r.status(hooks, fmt.Sprintf(`{"type":"workspace.created","data":{"workspace_id":"ws-%d","version":1,"name":"Fraud"}}`, i))
			mu.Lock()
			defer mu.Unlock()
			o.statuses[status]++
			o.slowest = max(o.slowest, time.Since(began))
		})
		r.advance(interval) // for the rate limits
		<-tick.C
	}
	under.Wait()
	return o
}

// status sends a signed request, and returns the status of its answer.
func (r *rush) status(path, body string) int {
	request := httptest.NewRequestWithContext(r.Context(), http.MethodPost, path, strings.NewReader(body))
	request.Header = sign(r.T, secret, "msg_1", now, body)
	request.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return w.Code
}

// TestWriteLimit_FollowsASlowAPIServer: an API server whose writes all take a second completes 100 of them per second
// for a client without a limit, and so for the service.
func TestWriteLimit_FollowsASlowAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server := newRush(t), &apiServer{takes: inParallel(time.Second)}
		r.store.fault = server.write
		got := r.offer(100, 10*time.Second)
		if got.statuses[http.StatusAccepted] != 1000 || got.slowest > 5*time.Second {
			t.Errorf("answered %v, the slowest after %s", got.statuses, got.slowest)
		}
	})
}

// TestWriteLimit_StopsWhereMoreDoesNotHelp: the service offers more than these API servers can do.
func TestWriteLimit_StopsWhereMoreDoesNotHelp(t *testing.T) {
	tests := map[string]struct {
		efficient int
		most      int // writes at a time
	}{
		"more at a time only wait there":   {1000, 64},
		"more than 32 at a time harm each": {32, 64},
		"more than 8 at a time harm each":  {8, 64},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, server := newRush(t), newOneCore(10*time.Millisecond, test.efficient)
				r.store.fault = server.write
				learned := time.Now().Add(15 * time.Second)
				got := r.offer(160, 30*time.Second)
				took := time.Since(learned)
				t.Logf("answered %v, the slowest after %s, at most %d writes at a time", got.statuses, got.slowest, server.most)
				if server.most > test.most {
					t.Errorf("%d writes at a time", server.most)
				}
				if n := float64(server.since(learned)) / took.Seconds(); n < 85 {
					t.Errorf("%.0f of 100 that it can do were finished in a second", n)
				}
			})
		})
	}
}

// TestWriteLimit_FallsWhileTheAPIServerHangs, and as much as before when it is back.
func TestWriteLimit_FallsWhileTheAPIServerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server := newRush(t), &apiServer{takes: inParallel(time.Hour)}
		r.store.fault = server.write
		got := r.offer(20, 60*time.Second)
		if n := got.statuses[http.StatusServiceUnavailable]; n != 1200 || got.slowest != 5*time.Second {
			t.Errorf("answered %v, the slowest after %s", got.statuses, got.slowest)
		}
		server.mu.Lock()
		server.most = 0
		server.mu.Unlock()
		r.offer(20, 10*time.Second)
		if server.most != 8 {
			t.Errorf("%d writes at a time", server.most)
		}
		server.takes = inParallel(time.Second)
		got = r.offer(100, 10*time.Second)
		if n := got.statuses[http.StatusAccepted]; n < 900 {
			t.Errorf("afterwards: answered %v", got.statuses)
		}
	})
}

// TestHandler_AnswersAtOnceIfTheAPIServerIsUnreachable: only a slow API server is waited for.
func TestHandler_AnswersAtOnceIfTheAPIServerIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, start := newRush(t), time.Now()
		r.store.fault = func(context.Context) error {
			return &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't store it now"}
		}
		if got := r.status(hooks, sample); got != http.StatusServiceUnavailable || time.Since(start) > 0 {
			t.Errorf("answered %d after %s", got, time.Since(start))
		}
	})
}
