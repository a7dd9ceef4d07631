package webhook

import (
	"bytes"
	"container/list"
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// bodyReaders are the requests whose body is being read, in the order in which they came. Nothing is known of them yet, so
// none is refused to make room: the slowest one is cut off instead.
type bodyReaders struct {
	mu    sync.Mutex
	queue *list.List // of *bodyReader

	// large has a turn for each of the large buffers, of which used are in use. buffers are those that are not.
	large   *semaphore.Weighted
	used    atomic.Int64
	buffers sync.Pool // of *bytes.Buffer
}

type bodyReader struct {
	all        *bodyReaders
	connection *http.ResponseController
	place      *list.Element
	cut        bool
	// buffer is a large one, in use since the time since; nil where the body is small or still waits.
	buffer *bytes.Buffer
	since  time.Time
}

func newBodyReaders() *bodyReaders {
	return &bodyReaders{queue: list.New(), large: semaphore.NewWeighted(maxLargeBodies)}
}

func (r *bodyReaders) enter(connection *http.ResponseController) *bodyReader {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.queue.Len() >= maxReading {
		r.abort(r.queue.Front())
	}
	entered := &bodyReader{all: r, connection: connection}
	entered.place = r.queue.PushBack(entered)
	return entered
}

// abort ends the reading of a body. It can't leave before the lock is free, so its connection is still its own.
func (r *bodyReaders) abort(place *list.Element) {
	aborted, _ := r.queue.Remove(place).(*bodyReader)
	aborted.cut = true
	_ = aborted.connection.SetReadDeadline(time.Unix(1, 0))
}

func (r *bodyReaders) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.Len()
}

// abortSlow aborts the large bodies that have taken longer than slowBody: others wait for their buffers. It returns when
// the next one is as slow.
func (r *bodyReaders) abortSlow() (next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = slowBody
	for place := r.queue.Front(); place != nil; {
		reader, _ := place.Value.(*bodyReader)
		slow := place
		place = place.Next()
		switch left := slowBody - time.Since(reader.since); {
		case reader.buffer == nil:
		case left <= 0:
			r.abort(slow)
		default:
			next = min(next, left)
		}
	}
	return next
}

// reserve gives the buffer for a body of this length, -1 if that is not known. A small body gets one at once, any other
// waits for its turn, and gets none if that doesn't come.
func (b *bodyReader) reserve(ctx context.Context, length int64) (buffer *bytes.Buffer, ok bool) {
	if length >= 0 && length <= smallBody {
		return newBuffer(length), true
	}
	ctx, cancel := context.WithTimeout(ctx, largeTimeout)
	defer cancel()
	for !b.all.large.TryAcquire(1) && !b.acquire(ctx) {
		if ctx.Err() != nil {
			return nil, false
		}
	}
	b.all.used.Add(1)
	buffer, ok = b.all.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = newBuffer(maxBody)
	}
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	b.buffer, b.since = buffer, time.Now()
	return buffer, true
}

// newBuffer has room for a body of this size, and for ReadFrom to see its end.
func newBuffer(size int64) *bytes.Buffer {
	return bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
}

// acquire waits for a turn until the next slow body can be aborted.
func (b *bodyReader) acquire(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, b.all.abortSlow())
	defer cancel()
	return b.all.large.Acquire(ctx, 1) == nil
}

// leave ends the reading, and reports whether it was cut off. A large buffer stays in use until release.
func (b *bodyReader) leave() (cut bool) {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	b.all.queue.Remove(b.place) // nothing happens to one that is not in the queue any more
	return b.cut
}

// release gives a large buffer back: nothing refers to the body any more.
func (b *bodyReader) release() {
	if b.buffer == nil {
		return
	}
	b.buffer.Reset()
	b.all.buffers.Put(b.buffer)
	b.all.used.Add(-1)
	b.all.large.Release(1)
}
