package store

import (
	"context"
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

func TestMain(m *testing.M) { shared.Main(m) }

var shared = clustertest.Shared{Prepare: func(t testing.TB, admin client.Client, _ *rest.Config) {
	t.Helper()
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultTier}}
	must(t, admin.Create(t.Context(), tier))
}}

var (
	must       = clustertest.Must
	eventually = clustertest.Eventually
)

// kube has the clients of one test.
type kube struct{ *clustertest.Clients }

// newKube returns clients with caches that have synced and run until the test ends.
func newKube(t testing.TB) *kube {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, v1alpha1.AddToScheme(scheme))
	k := &kube{clustertest.NewClients(
		t, shared.Cluster(t).Config(), cache.Options{Scheme: scheme}, &v1alpha1.Workspace{}, &v1alpha1.WorkspaceTier{},
	)}
	eventually(t, func(ctx context.Context) error {
		return k.Cache.Get(ctx, client.ObjectKey{Name: v1alpha1.DefaultTier}, &v1alpha1.WorkspaceTier{})
	})
	return k
}

var errNotCached = errors.New("the cache does not show it")
