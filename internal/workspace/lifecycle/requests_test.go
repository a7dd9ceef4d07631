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

// requestLog counts the writes that a client sends.
type requestLog struct {
	mu     sync.Mutex
	counts map[string]int
	held   map[string]chan struct{}
}

func (l *requestLog) around(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			l.count(r.Method + " " + resourceOf(r))
			l.wait(r)
		}
		return next.RoundTrip(r)
	})
}

// hold keeps back all writes of that method and resource, until release is called.
func (l *requestLog) hold(what string) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := make(chan struct{})
	l.held = map[string]chan struct{}{what: held}
	return func() { close(held) }
}

func (l *requestLog) wait(r *http.Request) {
	l.mu.Lock()
	held := l.held[r.Method+" "+resourceOf(r)]
	l.mu.Unlock()
	if held == nil {
		return
	}
	select {
	case <-held:
	case <-r.Context().Done():
	}
}

func (l *requestLog) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[what]++
}

// writes are the writes until now by method and resource, as in "POST namespaces", without Events.
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

// looking counts how often each Workspace is read from the cache: once in each Reconcile.
type looking struct {
	client.Client
	mu    sync.Mutex
	times map[string]int
	// noTier has the reading of tiers fail.
	noTier atomic.Bool
}

func (l *looking) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if _, ok := o.(*v1alpha1.Workspace); ok {
		l.mu.Lock()
		if l.times == nil {
			l.times = map[string]int{}
		}
		l.times[key.Name]++
		l.mu.Unlock()
	}
	if _, ok := o.(*v1alpha1.WorkspaceTier); ok && l.noTier.Load() {
		return errors.New("the tier can't be read")
	}
	return l.Client.Get(ctx, key, o, opts...)
}

func (l *looking) at(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[id]
}

// leadership is a lease that a test gives and takes.
type leadership struct {
	mu     sync.Mutex
	held   context.Context //nolint:containedctx // it is the leadership itself, as in k8s.Lease
	cancel context.CancelFunc
	// refused counts the calls of Hold without the lease.
	refused int
	// turns lets one caller of Hold be alone.
	turns sync.RWMutex
}

// alone marks the context of who is alone.
type alone struct{}

// alone does something while no Reconcile is under way but those that get its context: of two of one workspace at once,
// which the queue rules out, each would do the same.
func (l *leadership) alone(ctx context.Context, do func(context.Context)) {
	l.turns.Lock()
	defer l.turns.Unlock()
	do(context.WithValue(ctx, alone{}, true))
}

func (l *leadership) acquire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.cancel = context.WithCancel(context.Background())
}

func (l *leadership) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel()
}

// Hold implements Leadership, as k8s.Lease does.
func (l *leadership) Bind(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool) {
	over := func() {}
	if ctx.Value(alone{}) == nil {
		l.turns.RLock()
		over = l.turns.RUnlock
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held
	if held == nil || held.Err() != nil {
		l.refused++
		return ctx, over, false
	}
	bound, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(held, cancel)
	return bound, func() { stop(); cancel(); over() }, true
}
