package web

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Feed numbers the changes of workspaces and tiers, and wakes the streams that wait for one. It keeps the names of the last maxJournal
// changes, and no content: a stream reads what is newest.
type Feed struct {
	// epoch tells the numbers of this process from those of another one.
	epoch string

	mu      sync.Mutex
	journal [maxJournal]Change // of change n at n % maxJournal
	last    uint64
	changed chan struct{}
}

// Change says which object changed. Resource is its plural, as in Access.
type Change struct{ Resource, Name string }

// NewFeed returns a Feed without changes.
func NewFeed() *Feed { return &Feed{epoch: rand.Text()[:8], changed: make(chan struct{})} }

// Add records a change, and wakes the streams.
func (f *Feed) Add(change Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	f.journal[f.last%maxJournal] = change
	close(f.changed)
	f.changed = make(chan struct{})
}

// next returns the number of the last change, and a channel that is closed with the next one.
func (f *Feed) next() (last uint64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.changed
}

// between returns the changes after one number up to another. ok is false if the journal no longer has all of them.
func (f *Feed) between(after, last uint64) (changes map[Change]bool, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if after > last || last > f.last || f.last-after > maxJournal {
		return nil, false
	}
	changes = map[Change]bool{}
	for n := after + 1; n <= last; n++ {
		changes[f.journal[n%maxJournal]] = true
	}
	return changes, true
}

// id is the id of an event after which a client lacks nothing up to this change.
func (f *Feed) id(last uint64) string { return fmt.Sprintf("%s-%d", f.epoch, last) }

// parse returns the number in an id. ok is false if it is of another process, or none.
func (f *Feed) parse(id string) (last uint64, ok bool) {
	number, found := strings.CutPrefix(id, f.epoch+"-")
	last, err := strconv.ParseUint(number, 10, 64)
	return last, found && err == nil
}
