package lifecycle

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// requestLog counts and pauses the writes of a client.
type requestLog struct {
	mu     sync.Mutex
	counts map[string]int
	names  map[string]int // by method and path
	paused map[string]chan struct{}
}

func (l *requestLog) around(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			l.count(r)
			l.wait(r)
		}
		return next.RoundTrip(r)
	})
}

// pause blocks all writes of that method and resource until release is called.
func (l *requestLog) pause(key string) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	paused := make(chan struct{})
	l.paused = map[string]chan struct{}{key: paused}
	return func() { close(paused) }
}

func (l *requestLog) wait(r *http.Request) {
	l.mu.Lock()
	paused := l.paused[r.Method+" "+resourceOf(r)]
	l.mu.Unlock()
	if paused == nil {
		return
	}
	select {
	case <-paused:
	case <-r.Context().Done():
	}
}

func (l *requestLog) count(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts, l.names = map[string]int{}, map[string]int{}
	}
	l.counts[r.Method+" "+resourceOf(r)]++
	l.names[r.Method+" "+strings.TrimSuffix(r.URL.Path, "/status")]++
}

// tierStatusWrites are those of one tier: tests that run beside this one have tiers of their own.
func (l *requestLog) tierStatusWrites(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[http.MethodPatch+" /apis/"+v1alpha1.GroupVersion.String()+"/workspacetiers/"+name]
}

// writes are the writes so far by method and resource, as in "POST namespaces", without Events.
func (l *requestLog) writes() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	writes := maps.Clone(l.counts)
	delete(writes, "POST events")
	delete(writes, "PATCH events")
	return writes
}

func (l *requestLog) total() int {
	sum := 0
	for _, n := range l.writes() {
		sum += n
	}
	return sum
}

// resourceOf is the resource in the path of a request, with its subresource.
func resourceOf(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch parts[0] {
	case "api":
		parts = parts[2:] // api/v1
	case "apis":
		parts = parts[3:] // apis/group/version
	}
	if len(parts) > 2 && parts[0] == "namespaces" && parts[2] != "status" {
		parts = parts[2:]
	}
	if len(parts) > 2 {
		return parts[0] + "/" + parts[2]
	}
	return parts[0]
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// readCounter counts how often each Workspace is read from the cache: once in each Reconcile.
type readCounter struct {
	client.Client
	mu    sync.Mutex
	times map[string]int
	// failTiers makes reads of tiers fail.
	failTiers atomic.Bool
}

func (l *readCounter) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if _, ok := o.(*v1alpha1.Workspace); ok {
		l.mu.Lock()
		if l.times == nil {
			l.times = map[string]int{}
		}
		l.times[key.Name]++
		l.mu.Unlock()
	}
	if _, ok := o.(*v1alpha1.WorkspaceTier); ok && l.failTiers.Load() {
		return errors.New("the tier read fails")
	}
	return l.Client.Get(ctx, key, o, opts...)
}

func (l *readCounter) of(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[id]
}
