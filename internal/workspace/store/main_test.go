package store

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

func TestMain(m *testing.M) { shared.Main(m) }

var shared = clustertest.Shared{Prepare: func(t testing.TB, cluster *devcluster.Cluster) {
	t.Helper()
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultTier}}
	must(t, clustertest.Client(t, cluster.Config()).Create(t.Context(), tier))
}}

// kube has the clients of one test.
type kube struct {
	// client reads from caches and sees its own writes there, as in the service.
	client client.Client
	// live reads from the API server.
	live client.Client
	// admin is another client of the API server; its requests are not counted.
	admin    client.Client
	cache    cache.Cache
	requests *requestCounter
}

// newKube returns clients with caches that have synced and run until the test ends.
func newKube(t testing.TB) *kube {
	t.Helper()
	cluster, k, scheme := shared.Cluster(t), &kube{requests: &requestCounter{}}, runtime.NewScheme()
	must(t, v1alpha1.AddToScheme(scheme))
	web, err := rest.HTTPClientFor(cluster.Config())
	must(t, err)
	mapper, err := apiutil.NewDynamicRESTMapper(cluster.Config(), web) // one for all, as in a manager
	must(t, err)
	k.cache, err = cache.New(cluster.Config(), cache.Options{Scheme: scheme, Mapper: mapper})
	must(t, err)
	startCache(t, k.cache)
	counted := cluster.Config()
	counted.Wrap(k.requests.around)
	k.client = newClient(t, counted, client.Options{
		Scheme: scheme, Mapper: mapper, Cache: &client.CacheOptions{Reader: k.cache, EnableReadYourWritesConsistency: new(true)},
	})
	k.live = newClient(t, counted, client.Options{Scheme: scheme, Mapper: mapper})
	k.admin = newClient(t, cluster.Config(), client.Options{Scheme: scheme, Mapper: mapper})
	return k
}

func newClient(t testing.TB, cfg *rest.Config, o client.Options) client.Client {
	t.Helper()
	c, err := client.New(cfg, o)
	must(t, err)
	return c
}

// startCache runs the caches of Workspaces and tiers until the test ends, and waits until the default tier is cached.
func startCache(t testing.TB, c cache.Cache) {
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
	for _, o := range []client.Object{&v1alpha1.Workspace{}, &v1alpha1.WorkspaceTier{}} {
		_, err := c.GetInformer(ctx, o)
		must(t, err)
	}
	eventually(t, func(ctx context.Context) error {
		return c.Get(ctx, client.ObjectKey{Name: v1alpha1.DefaultTier}, &v1alpha1.WorkspaceTier{})
	})
}

// requestCounter counts requests, except discovery.
type requestCounter struct{ n atomic.Int64 }

func (c *requestCounter) around(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.Count(r.URL.Path, "/") > 3 {
			c.n.Add(1)
		}
		return next.RoundTrip(r)
	})
}

// reset returns how many requests there were since the last reset.
func (c *requestCounter) reset() int64 { return c.n.Swap(0) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errNotCached = errors.New("the cache does not show it")

// eventually polls until condition returns nil.
func eventually(t testing.TB, condition func(context.Context) error) {
	t.Helper()
	clustertest.Eventually(t, condition)
}
