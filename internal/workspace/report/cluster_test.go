package report

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
)

const (
	chartFiles = "../../../charts/workspace-flyte-integration/files"
	account    = "workspace-flyte-integration"
	namespace  = "platform-services"
)

func TestMain(m *testing.M) {
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	code := m.Run()
	if shared != nil {
		shared.Stop()
	}
	os.Exit(code)
}

var (
	shared     *devcluster.Cluster
	sharedOnce sync.Once
)

// sharedCluster is one control plane for all tests, with our CRDs and the service's account under the rights that the
// chart gives it. The tests play the controller.
func sharedCluster(t testing.TB) *devcluster.Cluster {
	t.Helper()
	sharedOnce.Do(func() {
		cluster, err := devcluster.Start(context.Background(), devcluster.Options{Progress: t.Output()})
		must(t, err)
		defer func() {
			if shared == nil {
				cluster.Stop()
			}
		}()
		crds := envtest.CRDInstallOptions{
			Paths: []string{filepath.Join(chartFiles, "crds")}, ErrorIfPathMissing: true, MaxTime: 30 * time.Second,
		}
		_, err = envtest.InstallCRDs(cluster.Config(), crds)
		must(t, err)
		addAccount(t, clientOf(t, cluster.Config()))
		shared = cluster
	})
	if shared == nil {
		t.Fatal("the shared control plane did not start")
	}
	return shared
}

func addAccount(t testing.TB, admin client.Client) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFiles, "role.yaml"))
	must(t, err)
	var role rbacv1.ClusterRole
	must(t, yaml.UnmarshalStrict(text, &role))
	role.Name = account
	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, &role,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Namespace: namespace}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: account},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: account},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: namespace}},
		},
	} {
		must(t, admin.Create(t.Context(), o))
	}
}

func newScheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, clientgoscheme.AddToScheme(scheme))
	must(t, v1alpha1.AddToScheme(scheme))
	return scheme
}

func clientOf(t testing.TB, cfg *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(cfg, client.Options{Scheme: newScheme(t)})
	must(t, err)
	return c
}

// asAccount is the way of the service's account, with a token of its own.
func asAccount(t testing.TB) *rest.Config {
	t.Helper()
	cluster := sharedCluster(t)
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Namespace: namespace}}
	request := &authenticationv1.TokenRequest{}
	must(t, clientOf(t, cluster.Config()).SubResource("token").Create(t.Context(), sa, request))
	cfg := cluster.Config()
	cfg.BearerToken = request.Status.Token
	return cfg
}

// eventually polls until condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ticker := time.NewTicker(5 * time.Millisecond); !condition(); {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		case <-ticker.C:
		}
	}
}

// leads is a leadership that was acquired.
type leads struct{}

func (leads) Hold(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, cancel, true
}

// follows is that of somebody else.
type follows struct{}

func (follows) Hold(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	return ctx, func() {}, false
}

// roundTripper counts requests that write.
type roundTripper struct {
	next   http.RoundTripper
	writes *int
}

func (r roundTripper) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.Method != http.MethodGet {
		*r.writes++
	}
	return r.next.RoundTrip(q)
}
