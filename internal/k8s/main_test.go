package k8s

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
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

// testEnv has the clients that the service uses, and one of another user.
type testEnv struct{ *clustertest.Clients }

// newTestEnv makes clients with synced caches that run until the test ends.
func newTestEnv(t testing.TB) *testEnv {
	t.Helper()
	scheme, err := NewScheme()
	must(t, err)
	options, err := CacheOptions(scheme, nil)
	must(t, err)
	kinds := append(Children(), &corev1.Namespace{}, &v1alpha1.Workspace{}, &v1alpha1.WorkspaceTier{})
	return &testEnv{clustertest.NewClients(t, shared.Cluster(t).Config(), options, kinds...)}
}

func (env *testEnv) applier() *Applier { return NewApplier(env.Client, env.Live, desired.Owns) }

var errNotYet = errors.New("not yet")
