package workspaceservice

import (
	"context"
	"net/http"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

func TestMain(m *testing.M) { shared.Main(m) }

// shared has the service's account under the rights that the chart gives it. The tests play the controller.
var shared = clustertest.Shared{Prepare: func(t testing.TB, cluster *devcluster.Cluster) {
	t.Helper()
	rules := clustertest.ChartRules(t, "role.yaml")
	clustertest.AddAccount(t, clustertest.Client(t, cluster.Config()), clustertest.Account, rules)
}}

// asService is the way of the service's account.
func asService(t testing.TB) *rest.Config {
	t.Helper()
	return clustertest.As(t, shared.Cluster(t), clustertest.Account)
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

func (leads) Bind(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, cancel, true
}

// follows is that of somebody else.
type follows struct{}

func (follows) Bind(ctx context.Context) (context.Context, context.CancelFunc, bool) {
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
