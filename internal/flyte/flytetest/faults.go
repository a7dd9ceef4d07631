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

// faults are the server's misbehaviour on demand, and its count of calls. The zero value behaves.
type faults struct {
	mutex       sync.Mutex
	calls       map[string]int
	unavailable bool
	failures    []codes.Code
	losses      int
	hang        *hang
	held        map[string]int
}

// hang holds calls of the methods, or of any if there are none.
type hang struct {
	methods  []string
	released chan struct{}
}

// maxFailures bounds what FailNext keeps.
const maxFailures = 100_000

// FailNext lets the next n calls, of any method, fail with the code and do nothing. Repeated, the failures queue up.
func (f *faults) FailNext(code codes.Code, n int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for range min(n, maxFailures-len(f.failures)) {
		f.failures = append(f.failures, code)
	}
}

// SetUnavailable lets every call fail with Unavailable and do nothing, until it is unset.
func (f *faults) SetUnavailable(unavailable bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.unavailable = unavailable
}

// LoseAnswers lets the next n writes do their work and then answer Unavailable, as a connection does that breaks too early.
func (f *faults) LoseAnswers(n int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.losses = n
}

// Hang lets every call of the methods, or of any method if none is named, wait until release is called, the client gives up or
// the server stops. Calls that were released go on as if nothing had been. A new Hang replaces the former for calls to come;
// release may be repeated.
func (f *faults) Hang(methods ...string) (release func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	mine := &hang{methods: methods, released: make(chan struct{})}
	f.hang = mine
	return sync.OnceFunc(func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		close(mine.released)
		if f.hang == mine {
			f.hang = nil
		}
	})
}

// Calls counts the calls by method name ("RegisterProject") since the start, those that failed or hang too.
func (f *faults) Calls() map[string]int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return maps.Clone(f.calls)
}

// Held counts the calls of the method that hang now.
func (f *faults) Held(method string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.held[method]
}

func (f *faults) countHeld(method string, by int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.held == nil {
		f.held = map[string]int{}
	}
	f.held[method] += by
}

func (f *faults) intercept(ctx context.Context, request any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := path.Base(call.FullMethod)
	held, err := f.begin(method)
	if err != nil {
		return nil, err
	}
	if err := f.wait(ctx, method, held); err != nil {
		return nil, err
	}
	answer, err := handle(ctx, request)
	if err == nil && f.loses(method) {
		return nil, status.Error(codes.Unavailable, "the answer was lost")
	}
	return answer, err
}

func (f *faults) wait(ctx context.Context, method string, held <-chan struct{}) error {
	f.countHeld(method, 1)
	defer f.countHeld(method, -1)
	select {
	case <-held:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// begin counts the call and tells what becomes of it: an error, or when it may go on.
func (f *faults) begin(method string) (held <-chan struct{}, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[method]++
	if f.unavailable {
		return nil, status.Error(codes.Unavailable, "the double was told to be unavailable")
	}
	if len(f.failures) > 0 {
		code := f.failures[0]
		f.failures = f.failures[1:]
		return nil, status.Error(code, "the double was told to fail")
	}
	if f.hang != nil && (len(f.hang.methods) == 0 || slices.Contains(f.hang.methods, method)) {
		return f.hang.released, nil
	}
	return free, nil
}

// free holds nobody.
var free = func() <-chan struct{} {
	closed := make(chan struct{})
	close(closed)
	return closed
}()

func (f *faults) loses(method string) bool {
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
