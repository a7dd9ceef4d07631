package flytetest

import (
	"context"
	"maps"
	"path"
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
	hang        chan struct{}
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

// Hang lets every call wait, until release is called, the client gives up or the server stops. Calls that were released go on as
// if nothing had been. Release may be repeated.
func (f *faults) Hang() (release func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	hang := make(chan struct{})
	f.hang = hang
	return sync.OnceFunc(func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		close(hang)
		if f.hang == hang {
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

func (f *faults) intercept(ctx context.Context, request any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := path.Base(call.FullMethod)
	hang, err := f.begin(method)
	if err != nil {
		return nil, err
	}
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	answer, err := handle(ctx, request)
	if err == nil && f.loses(method) {
		return nil, status.Error(codes.Unavailable, "the answer was lost")
	}
	return answer, err
}

// begin counts the call and tells what becomes of it.
func (f *faults) begin(method string) (hang <-chan struct{}, err error) {
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
	return f.hang, nil
}

func (f *faults) loses(method string) bool {
	if method != "RegisterProject" && method != "UpdateProject" {
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
