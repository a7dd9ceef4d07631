package webhook

import (
	"container/list"
	"net/http"
	"sync"
	"time"
)

// slots bounds how many requests do one thing at a time.
type slots chan struct{}

// enter takes a slot if there is one now.
func (s slots) enter() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) leave() { <-s }

// readers are the requests whose body is being read, in the order in which they came. Nothing is known of them yet, so
// none is refused for the sake of the others: the one that takes longest ends instead.
type readers struct {
	mu    sync.Mutex
	queue *list.List // of *reader
}

type reader struct {
	connection *http.ResponseController
	place      *list.Element
	cut        bool
}

func newReaders() *readers { return &readers{queue: list.New()} }

func (r *readers) enter(connection *http.ResponseController) *reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.queue.Len() >= maxReading {
		// It can't leave before the lock is free, so its connection is still its own.
		oldest, _ := r.queue.Remove(r.queue.Front()).(*reader)
		oldest.cut = true
		_ = oldest.connection.SetReadDeadline(time.Unix(1, 0))
	}
	entered := &reader{connection: connection}
	entered.place = r.queue.PushBack(entered)
	return entered
}

// leave ends the reading, and tells whether it was cut off.
func (r *readers) leave(left *reader) (cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.Remove(left.place) // nothing happens to one that is not in the queue any more
	return left.cut
}

func (r *readers) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.Len()
}
