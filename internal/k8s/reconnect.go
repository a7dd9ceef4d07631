package k8s

import (
	"context"
	"errors"
	"math"
	"net"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// firstReconnect and lastReconnect bound how long to wait between attempts while the API server is unavailable.
const (
	firstReconnect = 200 * time.Millisecond
	lastReconnect  = 5 * time.Second
)

// newInformer makes client-go's informer, whose watches are back within seconds of an API server that was unavailable. By
// itself a reflector waits longer each time, up to a minute (k8s.io/client-go/tools/cache/reflector.go), and nobody would see a
// webhook that was stored, or drift, until then.
func newInformer(relisted chan<- struct{}) func(
	toolscache.ListerWatcher, runtime.Object, time.Duration, toolscache.Indexers,
) toolscache.SharedIndexInformer {
	return func(
		lw toolscache.ListerWatcher, of runtime.Object, resync time.Duration, indexers toolscache.Indexers,
	) toolscache.SharedIndexInformer {
		r := &reconnecting{ListerWatcher: lw, with: toolscache.ToListerWatcherWithContext(lw), relisted: relisted}
		return toolscache.NewSharedIndexInformer(r, of, resync, indexers)
	}
}

// reconnecting retries while the API server is unavailable, and leaves every other error to the reflector. It reports
// each list but the first: changes made while a watch is down produce no event.
type reconnecting struct {
	toolscache.ListerWatcher
	with     toolscache.ListerWatcherWithContext
	listed   atomic.Bool
	relisted chan<- struct{}
}

// ListWithContext implements [toolscache.ListerWithContext].
func (r *reconnecting) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	list, err := retryUnavailable(ctx, func() (runtime.Object, error) { return r.with.ListWithContext(ctx, o) })
	if err == nil && o.Continue == "" {
		r.reportRelist()
	}
	return list, err
}

// WatchWithContext implements [toolscache.WatcherWithContext]. A watch that sends initial events is a list, too (KEP-3157).
func (r *reconnecting) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	events, err := retryUnavailable(ctx, func() (watch.Interface, error) { return r.with.WatchWithContext(ctx, o) })
	if err == nil && o.SendInitialEvents != nil && *o.SendInitialEvents {
		r.reportRelist()
	}
	return events, err
}

func (r *reconnecting) reportRelist() {
	if !r.listed.Swap(true) {
		return
	}
	select {
	case r.relisted <- struct{}{}:
	default: // one report is still to be read
	}
}

func retryUnavailable[T any](ctx context.Context, call func() (T, error)) (T, error) {
	backoff := wait.Backoff{Duration: firstReconnect, Factor: 2, Jitter: 0.5, Steps: math.MaxInt32, Cap: lastReconnect}
	for {
		answer, err := call()
		if err == nil || !isUnavailable(err) {
			return answer, err
		}
		select {
		case <-time.After(backoff.Step()):
		case <-ctx.Done():
			return answer, err
		}
	}
}

// isUnavailable reports whether the API server can't be reached, or doesn't reach etcd.
func isUnavailable(err error) bool {
	var network net.Error
	return utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) ||
		errors.As(err, &network) && network.Timeout() ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err)
}
