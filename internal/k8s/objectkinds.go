package k8s

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Why objects of a kind can't be made now.
var (
	// ErrKindNotInstalled: the cluster has no such kind. The service goes on by itself when it has.
	ErrKindNotInstalled = errors.New("the cluster does not have this kind: install its CRD")
	// ErrKindClusterScoped: objects of the kind are in no namespace.
	ErrKindClusterScoped = errors.New("this kind is cluster-scoped: remove its objects from the tier")
	// ErrKindNotListed: the service has not yet listed the objects of the kind.
	ErrKindNotListed = errors.New("the service has not listed the objects of this kind yet, and goes on when it has")
)

// ObjectKinds watches the kinds that objects of tiers may have, each as soon as the cluster has it.
type ObjectKinds struct {
	// Client reads objects of these kinds from a cache of their identity and hash, and sees its own writes there.
	Client client.Client
	// OnObject is called after each change of an object, and OnKind when objects of a kind can be made, or no longer can.
	OnObject func(context.Context, client.Object)
	OnKind   func(context.Context)
	// DiscoveryInterval is how often the service asks which kinds the cluster has.
	DiscoveryInterval time.Duration

	kinds     []schema.GroupVersionKind
	live      client.Reader
	discovery discovery.ServerResourcesInterfaceWithContext
	cache     cache.Cache
	// watched is for run alone.
	watched map[schema.GroupVersionKind]cache.Informer

	mu     sync.RWMutex
	status map[schema.GroupVersionKind]error
}

// NewObjectKinds watches the kinds once the manager has started. It reports lists as [CacheOptions] does.
func NewObjectKinds(mgr manager.Manager, kinds []schema.GroupVersionKind, relisted chan<- struct{}) (*ObjectKinds, error) {
	k := &ObjectKinds{
		kinds: kinds, live: mgr.GetAPIReader(), status: map[schema.GroupVersionKind]error{}, DiscoveryInterval: discoveryInterval,
		watched:  map[schema.GroupVersionKind]cache.Informer{},
		OnObject: func(context.Context, client.Object) {}, OnKind: func(context.Context) {},
	}
	for _, kind := range kinds {
		k.status[kind] = ErrKindNotListed
	}
	if err := k.connect(mgr, relisted); err != nil {
		return nil, err
	}
	return k, errors.Join(mgr.Add(manager.RunnableFunc(k.cache.Start)), mgr.Add(manager.RunnableFunc(k.run)))
}

// connect makes the clients and the cache.
func (k *ObjectKinds) connect(mgr manager.Manager, relisted chan<- struct{}) error {
	found, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("preparing to look for the kinds of tiers' objects: %w", err)
	}
	k.discovery = found
	k.cache, err = cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), ReaderFailOnMissingInformer: true,
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}),
		DefaultTransform:     stripToIdentity, NewInformer: newInformer(relisted),
	})
	if err != nil {
		return fmt.Errorf("preparing to watch objects of tiers: %w", err)
	}
	k.Client, err = client.New(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		FieldValidation: metav1.FieldValidationStrict, // a field that the kind does not have would be dropped in silence
		Cache:           &client.CacheOptions{Reader: k.cache, Unstructured: true, EnableReadYourWritesConsistency: new(true)},
	})
	if err != nil {
		return fmt.Errorf("preparing to write objects of tiers: %w", err)
	}
	return nil
}

// Kinds are all kinds that objects of tiers may have.
func (k *ObjectKinds) Kinds() []schema.GroupVersionKind { return k.kinds }

// Check is why objects of the kind can't be made now, or nil if they can.
func (k *ObjectKinds) Check(kind schema.GroupVersionKind) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.status[kind]
}

// Unlisted is a kind whose objects the cluster may have and the service can't list, and why, or nil if there is none.
func (k *ObjectKinds) Unlisted() (kind schema.GroupVersionKind, err error) {
	for _, kind := range k.kinds {
		err := k.Check(kind)
		if err != nil && !errors.Is(err, ErrKindNotInstalled) && !errors.Is(err, ErrKindClusterScoped) {
			return kind, err
		}
	}
	return kind, nil
}

// Watched has an empty object of each kind whose objects can be made now.
func (k *ObjectKinds) Watched() (all []client.Object) {
	for _, kind := range k.kinds {
		if k.Check(kind) == nil {
			all = append(all, objectOf(kind))
		}
	}
	return all
}

// AwaitFirst waits until the objects of all kinds that the cluster has are listed, but not for long.
func (k *ObjectKinds) AwaitFirst(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstAnswerTimeout)
	defer cancel()
	toolscache.WaitForCacheSync(ctx.Done(), func() bool {
		k.mu.RLock()
		defer k.mu.RUnlock()
		for _, err := range k.status {
			if errors.Is(err, ErrKindNotListed) {
				return false
			}
		}
		return true
	})
}

// run watches each kind as soon as the cluster has it, until ctx ends. It also asks for kinds that are watched: no event says that the
// cluster no longer serves one.
func (k *ObjectKinds) run(ctx context.Context) error {
	ticks := time.NewTicker(k.DiscoveryInterval)
	defer ticks.Stop()
	for {
		for _, kind := range k.kinds {
			k.discover(ctx, kind)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// discover starts to watch a kind, if the cluster has it. A kind that is gone for a while stays watched: its watch is retried.
func (k *ObjectKinds) discover(ctx context.Context, kind schema.GroupVersionKind) {
	err := k.served(ctx, kind)
	switch {
	case err == nil && k.watched[kind] != nil:
		k.set(ctx, kind, k.listed(ctx, kind))
	case err == nil:
		if err := k.watch(ctx, kind); err != nil {
			log.FromContext(ctx).Error(err, "watching a kind of tiers' objects", "kind", kind.String())
		}
	case errors.Is(err, ErrKindNotInstalled), errors.Is(err, ErrKindClusterScoped):
		k.set(ctx, kind, err)
	default:
		log.FromContext(ctx).Error(err, "looking for a kind of tiers' objects", "kind", kind.String())
	}
}

// listed is nil if the objects of the kind are cached. The informer retries a refused list and doesn't say why it was refused.
func (k *ObjectKinds) listed(ctx context.Context, kind schema.GroupVersionKind) error {
	if k.watched[kind].HasSynced() {
		return nil
	}
	if err := k.live.List(ctx, kindOf(objectOf(kind)).newList(), client.Limit(1)); err != nil {
		return fmt.Errorf("listing the objects of this kind: %w", err)
	}
	return ErrKindNotListed
}

// served is nil if the API server has the kind, and its objects are in namespaces.
func (k *ObjectKinds) served(ctx context.Context, kind schema.GroupVersionKind) error {
	resources, err := servedResources(ctx, k.discovery, kind.GroupVersion())
	if err != nil {
		return err
	}
	switch r := resourceOf(resources, kind.Kind); {
	case r == nil:
		return ErrKindNotInstalled
	case !r.Namespaced:
		return ErrKindClusterScoped
	}
	return nil
}

// watch has the kind usable as soon as its objects are listed.
func (k *ObjectKinds) watch(ctx context.Context, kind schema.GroupVersionKind) error {
	informer, err := k.cache.GetInformer(ctx, objectOf(kind), cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	if _, err := informer.AddEventHandler(k.handler(ctx)); err != nil {
		return err
	}
	k.watched[kind] = informer
	go func() {
		if toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			k.set(ctx, kind, nil)
		}
	}()
	return nil
}

// handler calls OnObject for each change that can matter.
func (k *ObjectKinds) handler(ctx context.Context) toolscache.ResourceEventHandler {
	report := func(o any) {
		if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}
		if object, ok := o.(client.Object); ok {
			k.OnObject(ctx, object)
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: report,
		UpdateFunc: func(before, after any) {
			if Changed(before.(client.Object), after.(client.Object)) {
				report(after)
			}
		},
		DeleteFunc: report,
	}
}

// Lost is for a kind that the API server no longer has.
func (k *ObjectKinds) Lost(ctx context.Context, kind schema.GroupVersionKind) {
	if errors.Is(k.served(ctx, kind), ErrKindNotInstalled) {
		k.set(ctx, kind, ErrKindNotInstalled)
	}
}

func (k *ObjectKinds) set(ctx context.Context, kind schema.GroupVersionKind, err error) {
	k.mu.Lock()
	before := k.status[kind]
	k.status[kind] = err
	k.mu.Unlock()
	if fmt.Sprint(before) != fmt.Sprint(err) {
		log.FromContext(ctx).Info("a kind of tiers' objects changed", "kind", kind.String(), "problem", err)
		k.OnKind(ctx)
	}
}

func objectOf(kind schema.GroupVersionKind) client.Object {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	return o
}
