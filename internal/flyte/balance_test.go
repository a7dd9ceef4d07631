package flyte_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// TestClient_BalancesOverReplicas has two addresses, as of a headless Service.
func TestClient_BalancesOverReplicas(t *testing.T) {
	replicas := []*flytetest.Server{startDouble(t), startDouble(t)}
	service := manual.NewBuilderWithScheme("headless")
	service.InitialState(resolver.State{Endpoints: []resolver.Endpoint{
		{Addresses: []resolver.Address{{Addr: replicas[0].Addr()}}}, {Addresses: []resolver.Address{{Addr: replicas[1].Addr()}}},
	}})
	client := newClient(t, flyte.Options{
		Endpoint: "headless:///flyte-admin", CallTimeout: 5 * time.Second, DialOptions: []grpc.DialOption{grpc.WithResolvers(service)},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ask := func() {
		t.Helper()
		if _, err := client.Version(ctx); err != nil {
			t.Fatal(err)
		}
	}
	asked := func(replica int) int { return replicas[replica].Calls()["GetVersion"] }

	for asked(0) == 0 || asked(1) == 0 { // they are connected one after the other
		ask()
	}
	before := []int{asked(0), asked(1)}
	for range 10 {
		ask()
	}
	if first, second := asked(0)-before[0], asked(1)-before[1]; first != 5 || second != 5 {
		t.Errorf("of ten calls, %d and %d", first, second)
	}

	replicas[0].Stop()
	for all := asked(1) + 10; asked(1) < all && ctx.Err() == nil; {
		_, _ = client.Version(ctx) // one that was under way to the replica that has gone may fail
	}
	ask()
}
