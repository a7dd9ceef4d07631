package webhook

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v5"
	"golang.org/x/sync/semaphore"
)

// bodyReaders bounds the requests whose body is being read. Nothing is known about them yet, so none is refused: at the limit,
// the reading that began first is aborted.
type bodyReaders struct {
	mu    sync.Mutex
	queue *list.List // of *bodyReader, in the order of their beginning

	// large bounds the large buffers, used counts those in use, and free keeps the others.
	large *semaphore.Weighted
	used  atomic.Int64
	free  sync.Pool // of *bytes.Buffer
}

// bodyReader reads the body of one request.
type bodyReader struct {
	pool       *bodyReaders
	connection *http.ResponseController
	element    *list.Element
	aborted    bool
	// buffer is a large buffer, in use since began. It is nil while the body is small or waits for a buffer.
	buffer *bytes.Buffer
	began  time.Time
}

func newBodyReaders() *bodyReaders {
	return &bodyReaders{queue: list.New(), large: semaphore.NewWeighted(maxLargeBodies)}
}

// add begins the reading of a body. Call release when nothing refers to the body any more.
func (r *bodyReaders) add(connection *http.ResponseController) *bodyReader {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.queue.Len() >= maxReading {
		r.abort(r.queue.Front())
	}
	added := &bodyReader{pool: r, connection: connection}
	added.element = r.queue.PushBack(added)
	return added
}

// abort ends the reading of a body. The reader needs the lock to finish, so its connection can't serve another request yet.
func (r *bodyReaders) abort(element *list.Element) {
	reader, _ := r.queue.Remove(element).(*bodyReader)
	reader.aborted = true
	_ = reader.connection.SetReadDeadline(time.Unix(1, 0))
}

func (r *bodyReaders) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.Len()
}

// abortSlow aborts the large bodies that have taken longer than slowBody, since others wait for their buffers. It returns
// when the next one will have taken so long.
func (r *bodyReaders) abortSlow() (next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = slowBody
	for element := r.queue.Front(); element != nil; {
		reader, _ := element.Value.(*bodyReader)
		current := element
		element = element.Next()
		switch left := slowBody - time.Since(reader.began); {
		case reader.buffer == nil:
		case left <= 0:
			r.abort(current)
		default:
			next = min(next, left)
		}
	}
	return next
}

// read returns the body. It fails if the body is too large, or if the reading is aborted.
func (b *bodyReader) read(c *echo.Context) ([]byte, error) {
	defer b.finish()
	if c.Request().ContentLength > maxBody {
		return nil, errTooLarge()
	}
	buffer, err := b.reserve(c.Request().Context(), c.Request().ContentLength)
	if err != nil {
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	_, err = buffer.ReadFrom(http.MaxBytesReader(serverWriter(c.Response()), c.Request().Body, maxBody))
	if err == nil {
		return buffer.Bytes(), nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errTooLarge()
	}
	if b.finish() {
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	return nil, newProblem(http.StatusBadRequest, "the body could not be read")
}

func errTooLarge() error {
	return newProblem(http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB")
}

// reserve returns the buffer for a body of this length, -1 if that is unknown. A large body waits for a large buffer.
func (b *bodyReader) reserve(ctx context.Context, length int64) (*bytes.Buffer, error) {
	if length >= 0 && length <= smallBody {
		return newBuffer(length), nil
	}
	ctx, cancel := context.WithTimeout(ctx, largeTimeout)
	defer cancel()
	for !b.pool.large.TryAcquire(1) && !b.acquire(ctx) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	b.pool.used.Add(1)
	buffer, ok := b.pool.free.Get().(*bytes.Buffer)
	if !ok {
		buffer = newBuffer(maxBody)
	}
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	b.buffer, b.began = buffer, time.Now()
	return buffer, nil
}

// acquire waits for a large buffer until the next slow body can be aborted.
func (b *bodyReader) acquire(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, b.pool.abortSlow())
	defer cancel()
	return b.pool.large.Acquire(ctx, 1) == nil
}

// newBuffer returns a buffer for a body of this size, with room for ReadFrom to find its end.
func newBuffer(size int64) *bytes.Buffer {
	return bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
}

// finish ends the reading, and reports whether it was aborted. A large buffer stays in use until release.
func (b *bodyReader) finish() (aborted bool) {
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	b.pool.queue.Remove(b.element) // does nothing the second time
	return b.aborted
}

// release returns a large buffer to the pool.
func (b *bodyReader) release() {
	if b.buffer == nil {
		return
	}
	b.buffer.Reset()
	b.pool.free.Put(b.buffer)
	b.pool.used.Add(-1)
	b.pool.large.Release(1)
}

// serverWriter returns net/http's own writer. Only that one learns from a MaxBytesReader that it must not read on before it
// answers.
func serverWriter(w http.ResponseWriter) http.ResponseWriter {
	if r, err := echo.UnwrapResponse(w); err == nil {
		return r.ResponseWriter
	}
	return w
}
