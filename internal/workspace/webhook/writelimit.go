package webhook

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// writeLimiter bounds how many writes to the API server are under way. The others wait in the order of their arrival.
//
// The limit follows the API server. From time to time it is doubled or halved as a trial, and the larger of the two limits
// is kept only if the API server completes clearly more writes per second with it. So an API server that is slow but
// concurrent gets many writes, and a saturated one does not get more. A write that times out halves the limit at once.
type writeLimiter struct {
	mu      sync.Mutex
	limit   int
	writing int
	waiting list.List // of chan struct{}, closed when the write may begin

	trial trial
	// since and completed measure the current limit: writes completed while others were waiting all the time.
	since     time.Time
	completed int
	// halvedAt is when a write that timed out halved the limit.
	halvedAt time.Time
}

// writeResult is the result of a write, as far as it depends on the load of the API server.
type writeResult int

const (
	// notWritten: nothing was written, or the API server refused it at once.
	notWritten writeResult = iota
	// written: the API server has stored it.
	written
	// timedOut: the API server did not complete it in time.
	timedOut
)

// trial compares two limits.
type trial struct {
	running bool
	// limit and rate are the limit before the trial, and the writes per second completed with it.
	limit int
	rate  float64
	// down is the direction of this trial or of the next one, which begins after pause measurements.
	down  bool
	pause int
}

const (
	// trialGain is how much more the larger of two limits must complete to be kept.
	trialGain = 1.2
	// trialPause is how many measurements lie between two trials after one that failed.
	trialPause = 8
	// trialTime is the shortest measurement.
	trialTime = 100 * time.Millisecond
)

// acquire waits until a write may begin, and reports false if ctx ends first.
func (l *writeLimiter) acquire(ctx context.Context) bool {
	l.mu.Lock()
	begin := make(chan struct{})
	element := l.waiting.PushBack(begin)
	l.admit()
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
		l.waiting.Remove(element)
		return false
	}
}

// release ends a write that began at that time.
func (l *writeLimiter) release(began time.Time, result writeResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case result == timedOut && began.After(l.halvedAt):
		l.halvedAt, l.trial = now, trial{}
		l.set(l.limit/2, now)
	case l.waiting.Len() == 0: // no write waits for the limit, so this measures nothing
		l.restart(now)
	case result == written:
		l.measure(now)
	}
	l.writing--
	l.admit()
}

func (l *writeLimiter) current() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// admit begins as many of the waiting writes as the limit allows.
func (l *writeLimiter) admit() {
	for l.writing < l.limit && l.waiting.Len() > 0 {
		if begin, ok := l.waiting.Remove(l.waiting.Front()).(chan struct{}); ok {
			l.writing++
			close(begin)
		}
	}
}

// measure counts a write. The measurement ends when about as many are completed as may be under way.
func (l *writeLimiter) measure(now time.Time) {
	l.completed++
	took := now.Sub(l.since)
	if l.completed < l.limit || took < trialTime {
		return
	}
	rate := float64(l.completed) / took.Seconds()
	l.set(l.trial.next(l.limit, rate), now)
}

// next returns the limit to go on with after this rate was measured at limit.
func (t *trial) next(limit int, rate float64) int {
	switch {
	case !t.running && t.pause > 0 && trialGain*rate >= t.rate:
		t.pause--
		return limit
	case !t.running && t.pause > 0: // the API server has become slower: more writes at a time may help
		t.down = false
	case t.running && !t.keeps(limit, rate):
		pause := trialPause
		if !t.down && trialGain*rate < t.rate { // more writes did harm: fewer than before may be better
			pause = 0
		}
		*t = trial{limit: t.limit, rate: t.rate, down: !t.down, pause: pause}
		return t.limit
	}
	next := limit * 2
	if t.down {
		next = limit / 2
	}
	if next = min(max(next, minWrites), maxWrites); next == limit {
		*t = trial{rate: rate, down: !t.down, pause: trialPause}
		return limit
	}
	t.running, t.limit, t.rate = true, limit, rate
	return next
}

// keeps reports whether the limit on trial is better than the one before.
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

func (l *writeLimiter) restart(now time.Time) { l.since, l.completed = now, 0 }
