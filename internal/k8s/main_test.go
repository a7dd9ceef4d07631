package k8s

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

func TestMain(m *testing.M) { shared.Main(m) }

var shared = clustertest.Shared{Prepare: func(t testing.TB, cluster *devcluster.Cluster) {
	t.Helper()
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultTier}}
	must(t, clustertest.Client(t, cluster.Config()).Create(t.Context(), tier))
}}

// testEnv has the clients that the service uses, and one of another user.
type testEnv struct {
	// client reads from caches with read-your-writes consistency, as in the service.
	client client.Client
	// live reads from the API server.
	live client.Client
	// admin is another client.
	admin    client.Client
	cache    cache.Cache
	requests *requestCounter
}

// newTestEnv makes clients with synced caches that run until the test ends.
func newTestEnv(t testing.TB) *testEnv {
	t.Helper()
	cluster, env := shared.Cluster(t), &testEnv{requests: &requestCounter{}}
	scheme, err := NewScheme()
	must(t, err)
	options, err := CacheOptions(scheme, nil)
	must(t, err)
	web, err := rest.HTTPClientFor(cluster.Config())
	must(t, err)
	mapper, err := apiutil.NewDynamicRESTMapper(cluster.Config(), web) // shared, as in a manager
	must(t, err)
	options.Mapper = mapper
	env.cache, err = cache.New(cluster.Config(), options)
	must(t, err)
	env.start(t)
	counted := cluster.Config()
	counted.Wrap(env.requests.wrap)
	env.client = newClient(t, counted, client.Options{
		Scheme: scheme, Mapper: mapper, Cache: &client.CacheOptions{Reader: env.cache, EnableReadYourWritesConsistency: new(true)},
	})
	env.live = newClient(t, counted, client.Options{Scheme: scheme, Mapper: mapper})
	env.admin = newClient(t, cluster.Config(), client.Options{Scheme: scheme, Mapper: mapper})
	return env
}

func newClient(t testing.TB, cfg *rest.Config, o client.Options) client.Client {
	t.Helper()
	c, err := client.New(cfg, o)
	must(t, err)
	return c
}

// start runs the caches of all kinds until the test ends.
func (env *testEnv) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- env.cache.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for _, o := range append(Children(), &corev1.Namespace{}, &v1alpha1.Workspace{}, &v1alpha1.WorkspaceTier{}) {
		_, err := env.cache.GetInformer(ctx, o)
		must(t, err)
	}
	eventually(t, func(ctx context.Context) error {
		return env.cache.Get(ctx, client.ObjectKey{Name: v1alpha1.DefaultTier}, &v1alpha1.WorkspaceTier{})
	})
}

func (env *testEnv) applier() *Applier { return NewApplier(env.client, env.live, desired.Owns) }

// requestCounter counts the requests of a client, without discovery.
type requestCounter struct{ n atomic.Int64 }

func (c *requestCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/") || strings.Count(r.URL.Path, "/") > 3 {
			c.n.Add(1)
		}
		return next.RoundTrip(r)
	})
}

// reset returns the number of requests since its last call.
func (c *requestCounter) reset() int64 { return c.n.Swap(0) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errNotYet = errors.New("not yet")

// eventually polls until condition returns nil.
func eventually(t testing.TB, condition func(context.Context) error) {
	t.Helper()
	clustertest.Eventually(t, condition)
}
