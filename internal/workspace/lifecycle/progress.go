package lifecycle

import (
	"sync"
	"time"
)

// progress knows whether reconciling goes on.
type progress struct {
	now func() time.Time

	mu sync.Mutex
	// underWay says when each Reconcile began that has not ended.
	underWay map[*time.Time]struct{}
	// unheeded is since when work is known to wait and nothing of it has been taken up; zero if none is known to.
	unheeded time.Time
}

// begin notes that work was taken up; the function it returns notes its end.
func (p *progress) begin() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unheeded = time.Time{}
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

// stalled tells whether a Reconcile has not ended for limit, however many others have, or work has waited for limit and
// no worker has taken any up. Of waiting work it knows only what it is told here, so the second takes two calls.
func (p *progress) stalled(limit time.Duration, waiting int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	switch {
	case waiting == 0:
		p.unheeded = time.Time{}
	case p.unheeded.IsZero():
		p.unheeded = now
	case now.Sub(p.unheeded) > limit:
		return true
	}
	for began := range p.underWay {
		if now.Sub(*began) > limit {
			return true
		}
	}
	return false
}
