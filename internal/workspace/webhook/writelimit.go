package webhook

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// writeLimiter bounds how many writes to the API server are under way at a time; the others wait in the order in which
// they came. The bound follows the API server: from time to time it is doubled or halved for a trial, and the larger
// one of two bounds is kept only if the API server finishes clearly more writes in a second with it. So a slow API
// server that does many writes at once gets many, and one that is at its limit is not pushed further. A write that the
// API server did not finish in time halves the bound at once.
type writeLimiter struct {
	mu      sync.Mutex
	limit   int
	writing int
	waiting list.List // of chan struct{}, closed when the write may begin

	trial trial
	// since and finished measure the present limit: the writes finished while others waited all the time.
	since    time.Time
	finished int
	// cut is when the limit was halved for a write that was not finished in time.
	cut time.Time
}

// writeResult says what a write tells about the API server.
type writeResult int

const (
	// writeNone: nothing was written, or the API server refused it at once.
	writeNone writeResult = iota
	// writeDone: it was stored.
	writeDone
	// writeLate: the API server did not finish it in time.
	writeLate
)

// trial compares two limits.
type trial struct {
	running bool
	// limit and rate are the limit before the trial and the writes finished in a second with it.
	limit int
	rate  float64
	// down is the direction of this trial, or of the next one, which begins after rest measurements.
	down bool
	rest int
}

const (
	// trialGain is how much more the larger of two limits must finish to be kept.
	trialGain = 1.2
	// trialRest is how many measurements lie between two trials after one that failed.
	trialRest = 8
	// trialTime is the shortest measurement.
	trialTime = 100 * time.Millisecond
)

func newWriteLimiter() *writeLimiter { return &writeLimiter{limit: startWrites} }

// acquire waits until a write may begin, or ctx ends.
func (l *writeLimiter) acquire(ctx context.Context) bool {
	l.mu.Lock()
	if l.writing < l.limit {
		l.writing++
		l.mu.Unlock()
		return true
	}
	begin := make(chan struct{})
	place := l.waiting.PushBack(begin)
	l.mu.Unlock()
	select {
	case <-begin:
		return true
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-begin: // at the same moment
		return true
	default:
		l.waiting.Remove(place)
		return false
	}
}

// release ends a write that began then.
func (l *writeLimiter) release(began time.Time, result writeResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case result == writeLate && began.After(l.cut):
		l.cut, l.trial = now, trial{}
		l.set(l.limit/2, now)
	case l.waiting.Len() == 0: // the limit keeps nothing waiting: nothing can be learned about it
		l.restart(now)
	case result == writeDone:
		l.measure(now)
	}
	l.writing--
	l.admit()
}

// current is the bound in force.
func (l *writeLimiter) current() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// admit begins the writes that there is room for.
func (l *writeLimiter) admit() {
	for l.writing < l.limit && l.waiting.Len() > 0 {
		if begin, ok := l.waiting.Remove(l.waiting.Front()).(chan struct{}); ok {
			l.writing++
			close(begin)
		}
	}
}

// measure counts a write, and ends the measurement when about as many are finished as may be under way.
func (l *writeLimiter) measure(now time.Time) {
	l.finished++
	took := now.Sub(l.since)
	if l.finished < l.limit || took < trialTime {
		return
	}
	rate := float64(l.finished) / took.Seconds()
	l.set(l.trial.next(l.limit, rate), now)
}

// next is the limit to go on with after this rate was measured at limit.
func (t *trial) next(limit int, rate float64) int {
	switch {
	case !t.running && t.rest > 0 && trialGain*rate >= t.rate:
		t.rest--
		return limit
	case !t.running && t.rest > 0: // the API server has become slower: perhaps it does more at a time now
		t.down = false
	case t.running && !t.keeps(limit, rate):
		rest := trialRest
		if !t.down && trialGain*rate < t.rate { // more did harm: fewer than before may be better
			rest = 0
		}
		*t = trial{limit: t.limit, rate: t.rate, down: !t.down, rest: rest}
		return t.limit
	}
	next := limit * 2
	if t.down {
		next = limit / 2
	}
	if next = min(max(next, minWrites), maxWrites); next == limit {
		*t = trial{rate: rate, down: !t.down, rest: trialRest}
		return limit
	}
	t.running, t.limit, t.rate = true, limit, rate
	return next
}

// keeps compares the limit on trial with the one before.
func (t *trial) keeps(limit int, rate float64) bool {
	if limit > t.limit {
		return rate > trialGain*t.rate
	}
	return trialGain*rate >= t.rate
}

func (l *writeLimiter) set(limit int, now time.Time) {
	l.limit = min(max(limit, minWrites), maxWrites)
	l.restart(now)
}

func (l *writeLimiter) restart(now time.Time) { l.since, l.finished = now, 0 }
