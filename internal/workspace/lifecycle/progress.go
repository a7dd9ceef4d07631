package lifecycle

import (
	"sync"
	"time"
)

// progress knows whether reconciling goes on.
type progress struct {
	now func() time.Time

	mu sync.Mutex
	// since is when the oldest call under way began, or, if later, when one last ended.
	since    time.Time
	underWay int
}

// begin notes that a call began; the function it returns notes its end.
func (p *progress) begin() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.underWay == 0 {
		p.since = p.now()
	}
	p.underWay++
	return p.end
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay--
	p.since = p.now()
}

// stalled tells whether calls are under way and none of them has ended for limit.
func (p *progress) stalled(limit time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.underWay > 0 && p.now().Sub(p.since) > limit
}
