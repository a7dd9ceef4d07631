package clustertest

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Clients are the clients of one test, as the service has them.
type Clients struct {
	// Client reads from Cache with read-your-writes consistency, and Live from the API server.
	Client, Live client.Client
	// Admin is another client, whose requests are not counted.
	Admin    client.Client
	Cache    cache.Cache
	Requests *RequestCounter
}

// NewClients makes clients with a cache of these kinds, which has synced and runs until the test ends.
func NewClients(t testing.TB, cfg *rest.Config, o cache.Options, kinds ...client.Object) *Clients {
	t.Helper()
	web, err := rest.HTTPClientFor(cfg)
	Must(t, err)
	o.Mapper, err = apiutil.NewDynamicRESTMapper(cfg, web) // shared, as in a manager
	Must(t, err)
	c := &Clients{Requests: &RequestCounter{}}
	c.Cache, err = cache.New(cfg, o)
	Must(t, err)
	startCache(t, c.Cache, kinds)
	counted := rest.CopyConfig(cfg)
	counted.Wrap(c.Requests.wrap)
	uncached := client.Options{Scheme: o.Scheme, Mapper: o.Mapper}
	cached := uncached
	cached.Cache = &client.CacheOptions{Reader: c.Cache, EnableReadYourWritesConsistency: new(true)}
	c.Client, c.Live, c.Admin = newClient(t, counted, cached), newClient(t, counted, uncached), newClient(t, cfg, uncached)
	return c
}

func newClient(t testing.TB, cfg *rest.Config, o client.Options) client.Client {
	t.Helper()
	c, err := client.New(cfg, o)
	Must(t, err)
	return c
}

func startCache(t testing.TB, c cache.Cache, kinds []client.Object) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- c.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for _, kind := range kinds {
		_, err := c.GetInformer(ctx, kind)
		Must(t, err)
	}
}

// RequestCounter counts the requests of clients, without discovery.
type RequestCounter struct{ n atomic.Int64 }

func (c *RequestCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return RoundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/") || strings.Count(r.URL.Path, "/") > 3 {
			c.n.Add(1)
		}
		return next.RoundTrip(r)
	})
}

// Reset returns the number of requests since its last call.
func (c *RequestCounter) Reset() int64 { return c.n.Swap(0) }

// RoundTripper is a function as [http.RoundTripper].
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
