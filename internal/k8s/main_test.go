package k8s

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// kube is the service's way to the API server, and another one beside it.
type kube struct {
	// client reads from caches and sees its own writes there, as in the service.
	client client.Client
	// live reads from the API server.
	live client.Client
	// admin is somebody else.
	admin    client.Client
	cache    cache.Cache
	requests *counter
}

// newKube makes clients with caches that have synced and live as long as the test.
func newKube(t testing.TB) *kube {
	t.Helper()
	cluster, k := shared.Cluster(t), &kube{requests: &counter{}}
	scheme, err := NewScheme()
	must(t, err)
	options, err := CacheOptions(scheme, nil)
	must(t, err)
	web, err := rest.HTTPClientFor(cluster.Config())
	must(t, err)
	mapper, err := apiutil.NewDynamicRESTMapper(cluster.Config(), web) // one for all, as in a manager
	must(t, err)
	options.Mapper = mapper
	k.cache, err = cache.New(cluster.Config(), options)
	must(t, err)
	k.start(t)
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

// start runs the caches of all kinds until the test ends.
func (k *kube) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- k.cache.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for _, o := range append(Children(), &corev1.Namespace{}, &v1alpha1.Workspace{}, &v1alpha1.WorkspaceTier{}) {
		_, err := k.cache.GetInformer(ctx, o)
		must(t, err)
	}
	eventually(t, func(ctx context.Context) error { // what is in the cache no Record has to wait for
		return k.cache.Get(ctx, client.ObjectKey{Name: v1alpha1.DefaultTier}, &v1alpha1.WorkspaceTier{})
	})
}

func (k *kube) applier() *Applier { return NewApplier(k.client, k.live, desired.Owns) }

// counter counts requests that pass.
type counter struct{ n atomic.Int64 }

func (c *counter) around(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/") || strings.Count(r.URL.Path, "/") > 3 {
			c.n.Add(1) // not discovery
		}
		return next.RoundTrip(r)
	})
}

// since is how many requests there were since the last call.
func (c *counter) since() int64 { return c.n.Swap(0) }

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
