package k8s

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Optional watches kinds of one API that the cluster may lack. It starts their watches when the API server serves them: a watch of a
// missing kind would keep the caches from syncing. It needs no rights: every account may ask what is served.
type Optional struct {
	api       schema.GroupVersion
	kinds     []client.Object
	cache     cache.Cache
	discovery *discovery.DiscoveryClient
	interval  time.Duration
	served    atomic.Bool
	missing   chan struct{}
	// first is closed when it is known for the first time whether the kinds are served, or when nobody waits for that any more.
	first     chan struct{}
	firstOnce sync.Once
	// OnServed is called each time that all kinds are served and cached.
	OnServed func(context.Context) error
}

// NewOptional makes an Optional. Its Start belongs to the manager.
func NewOptional(mgr manager.Manager, api schema.GroupVersion, kinds ...client.Object) (*Optional, error) {
	asks, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("preparing to ask for %s: %w", api, err)
	}
	return &Optional{
		api: api, kinds: kinds, cache: mgr.GetCache(), discovery: asks, interval: discoveryInterval, missing: make(chan struct{}, 1),
		first: make(chan struct{}),
	}, nil
}

// Served reports whether the kinds are served and cached.
func (o *Optional) Served() bool { return o != nil && o.served.Load() }

// AwaitFirst waits until it is known whether the cluster serves the kinds, but not for long, and once in a process: a new one must not take
// what exists for missing.
func (o *Optional) AwaitFirst(ctx context.Context) {
	if o == nil {
		return
	}
	timeout := time.NewTimer(firstAnswerTimeout)
	defer timeout.Stop()
	select {
	case <-o.first:
	case <-timeout.C:
		o.answered()
	case <-ctx.Done():
	}
}

func (o *Optional) answered() { o.firstOnce.Do(func() { close(o.first) }) }

// Missing says that the API server answered that it does not serve the kinds. It is asked again until it does.
func (o *Optional) Missing() {
	if o.served.Swap(false) {
		o.missing <- struct{}{}
	}
}

// IsNotServed reports whether an error says that the API server does not serve the kind at all.
func IsNotServed(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// Start implements [manager.Runnable].
func (o *Optional) Start(ctx context.Context) error {
	for wait.PollUntilContextCancel(ctx, o.interval, true, o.isCached) == nil {
		o.served.Store(true)
		o.answered()
		log.FromContext(ctx).Info("the cluster serves an optional API", "api", o.api.String())
		if err := o.OnServed(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-o.missing:
		}
	}
	return nil
}

// isCached watches the kinds if the cluster serves them, and returns when they are cached.
func (o *Optional) isCached(ctx context.Context) (bool, error) {
	served, known := o.isServed(ctx)
	if known && !served {
		o.answered()
	}
	if !served {
		return false, nil
	}
	for _, kind := range o.kinds {
		if _, err := o.cache.GetInformer(ctx, kind); err != nil { // it may have been removed meanwhile
			log.FromContext(ctx).Error(err, "watching an optional kind", "kind", KindName(kind))
			return false, nil
		}
	}
	return true, ctx.Err()
}

// isServed asks the API server. known is false if it does not answer.
func (o *Optional) isServed(ctx context.Context) (served, known bool) {
	resources, err := servedResources(ctx, o.discovery, o.api)
	if err != nil {
		log.FromContext(ctx).Error(err, "asking whether the cluster serves an optional API", "api", o.api.String())
		return false, false
	}
	isMissing := func(kind client.Object) bool { return resourceOf(resources, KindName(kind)) == nil }
	return !slices.ContainsFunc(o.kinds, isMissing), true
}
