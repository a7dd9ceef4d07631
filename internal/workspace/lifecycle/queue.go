package lifecycle

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// maxFanOut is how many workspaces are reconciled at once because of a change that concerns very many: a quarter of the
// workers, so that workers and API server stay free for workspaces that changed themselves.
const maxFanOut = workers / 4

type requests = workqueue.TypedRateLimitingInterface[reconcile.Request]

// queue is the controller's queue. Before the controller has started there is none: its start reconciles every Workspace.
// The zero value is ready.
type queue struct {
	mu       sync.Mutex
	requests requests
	// waiting are requests of a fan-out that are not queued yet, each once; underWay are those that are.
	waiting  []reconcile.Request
	underWay map[reconcile.Request]bool
}

// request is for the workspace id; none for "".
func request(id string) []reconcile.Request {
	if id == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: id}}}
}

// take is called by the controller at its start.
func (q *queue) take(_ context.Context, r requests) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.requests = r
	q.feed()
	return nil
}

// add queues workspaces that changed themselves.
func (q *queue) add(all ...reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests == nil {
		return
	}
	for _, r := range all {
		q.requests.Add(r)
	}
}

// addLow queues workspaces at low priority.
func (q *queue) addLow(all ...reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests != nil {
		q.addWithLowPriority(all...)
	}
}

// fanOut queues workspaces at low priority, maxFanOut at a time.
func (q *queue) fanOut(all ...reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	known := make(map[reconcile.Request]bool, len(q.waiting))
	for _, r := range q.waiting {
		known[r] = true
	}
	q.waiting = append(q.waiting, slices.DeleteFunc(slices.Clone(all), func(r reconcile.Request) bool { return known[r] })...)
	q.feed()
}

// done is called when any Reconcile has ended.
func (q *queue) done(r reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.underWay[r] {
		delete(q.underWay, r)
		q.feed()
	}
}

func (q *queue) feed() {
	if q.underWay == nil {
		q.underWay = map[reconcile.Request]bool{}
	}
	for q.requests != nil && len(q.waiting) > 0 && len(q.underWay) < maxFanOut {
		next := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.underWay[next] = true
		q.addWithLowPriority(next)
	}
}

func (q *queue) addWithLowPriority(all ...reconcile.Request) {
	low := priorityqueue.AddOpts{Priority: new(handler.LowPriority)}
	q.requests.(priorityqueue.PriorityQueue[reconcile.Request]).AddWithOpts(low, all...)
}

// ready counts the requests that a worker could start now.
func (q *queue) ready() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests == nil {
		return 0
	}
	return q.requests.Len()
}

// progress knows whether reconciling goes on.
type progress struct {
	now func() time.Time

	mu sync.Mutex
	// underWay says when each Reconcile began that has not ended.
	underWay map[*time.Time]struct{}
	// waitingSince is when work was first seen to wait and none of it has been started since; zero if none is known to wait.
	waitingSince time.Time
}

// begin records that work was started; the function it returns records its end.
func (p *progress) begin() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waitingSince = time.Time{}
	if p.underWay == nil {
		p.underWay = map[*time.Time]struct{}{}
	}
	began := new(p.now())
	p.underWay[began] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.underWay, began)
	}
}

// stalled reports whether a Reconcile has not ended for limit, however many others have, or work has waited for limit and
// no worker has started any. It knows of waiting work only from its calls, so that the second takes two of them.
func (p *progress) stalled(limit time.Duration, waiting int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	switch {
	case waiting == 0:
		p.waitingSince = time.Time{}
	case p.waitingSince.IsZero():
		p.waitingSince = now
	case now.Sub(p.waitingSince) > limit:
		return true
	}
	for began := range p.underWay {
		if now.Sub(*began) > limit {
			return true
		}
	}
	return false
}
