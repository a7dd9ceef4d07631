package workspaceservice

import (
	"context"
	"net/http"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

func TestMain(m *testing.M) { shared.Main(m) }

// shared has the service's account with the rights of the chart. The tests act as the controller.
var shared = clustertest.Shared{Prepare: func(t testing.TB, admin client.Client, _ *rest.Config) {
	t.Helper()
	rules := clustertest.ChartRules(t, "role.yaml")
	clustertest.AddAccount(t, admin, clustertest.Account, rules)
}}

// asService is the configuration of the service's account.
func asService(t testing.TB) *rest.Config {
	t.Helper()
	return clustertest.As(t, shared.Cluster(t), clustertest.Account)
}

// eventually polls until the condition is true.
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

// leads is the Leadership of the leader.
type leads struct{}

func (leads) Bind(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, cancel, true
}

// follows is the Leadership of a replica that does not lead.
type follows struct{}

func (follows) Bind(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	return ctx, func() {}, false
}

// writeCounter counts requests that write.
type writeCounter struct {
	next   http.RoundTripper
	writes *int
}

func (c writeCounter) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.Method != http.MethodGet {
		*c.writes++
	}
	return c.next.RoundTrip(q)
}
