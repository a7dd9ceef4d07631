package flytetest

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// faults fail calls on demand and count all calls. The zero value injects no fault.
type faults struct {
	mutex       sync.Mutex
	calls       map[string]int
	unavailable bool
	failures    []codes.Code
	losses      int
	hang        *hang
	hanging     map[string]int
}

// hang blocks calls of the methods, or of any method if none is named.
type hang struct {
	methods  []string
	released chan struct{}
}

// maxFailures bounds the queue of FailNext.
const maxFailures = 100_000

// FailNext fails the next n calls, of any method, with the code; they have no effect. Repeated calls queue up.
func (f *faults) FailNext(code codes.Code, n int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for range min(n, maxFailures-len(f.failures)) {
		f.failures = append(f.failures, code)
	}
}

// SetUnavailable fails every call with Unavailable until it is unset; they have no effect.
func (f *faults) SetUnavailable(unavailable bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.unavailable = unavailable
}

// LoseAnswers fails the next n writes with Unavailable after they took effect, as a connection does that breaks too early.
func (f *faults) LoseAnswers(n int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.losses = n
}

// Hang blocks every call of the methods, or of any method if none is named, until release is called, the client cancels or the server
// stops. Released calls take effect as usual. A new Hang replaces the former for calls to come. release may be repeated.
func (f *faults) Hang(methods ...string) (release func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	h := &hang{methods: methods, released: make(chan struct{})}
	f.hang = h
	return sync.OnceFunc(func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		close(h.released)
		if f.hang == h {
			f.hang = nil
		}
	})
}

// Calls counts the calls since the start by method name ("RegisterProject"), including those that failed or hang.
func (f *faults) Calls() map[string]int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return maps.Clone(f.calls)
}

// Hanging counts the calls of the method that hang now.
func (f *faults) Hanging(method string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.hanging[method]
}

func (f *faults) countHanging(method string, by int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.hanging == nil {
		f.hanging = map[string]int{}
	}
	f.hanging[method] += by
}

func (f *faults) intercept(ctx context.Context, request any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := path.Base(call.FullMethod)
	released, err := f.begin(method)
	if err != nil {
		return nil, err
	}
	if err := f.wait(ctx, method, released); err != nil {
		return nil, err
	}
	response, err := handle(ctx, request)
	if err == nil && f.losesResponse(method) {
		return nil, status.Error(codes.Unavailable, "the response was lost")
	}
	return response, err
}

func (f *faults) wait(ctx context.Context, method string, released <-chan struct{}) error {
	f.countHanging(method, 1)
	defer f.countHanging(method, -1)
	select {
	case <-released:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// begin counts the call. It returns an injected error, or a channel that is closed when the call may take effect.
func (f *faults) begin(method string) (released <-chan struct{}, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[method]++
	if f.unavailable {
		return nil, status.Error(codes.Unavailable, "injected: unavailable")
	}
	if len(f.failures) > 0 {
		code := f.failures[0]
		f.failures = f.failures[1:]
		return nil, status.Error(code, "injected failure")
	}
	if f.hang != nil && (len(f.hang.methods) == 0 || slices.Contains(f.hang.methods, method)) {
		return f.hang.released, nil
	}
	return closed, nil
}

// closed does not block.
var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (f *faults) losesResponse(method string) bool {
	if strings.HasPrefix(method, "Get") || strings.HasPrefix(method, "List") {
		return false
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.losses == 0 {
		return false
	}
	f.losses--
	return true
}
