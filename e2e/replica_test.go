package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// firstReplica is the pod of the shared service; takeover is how soon a killed leader is replaced.
const (
	firstReplica = "workspace-flyte-integration-0"
	takeover     = 25 * time.Second
)

// leader is the pod that holds the lease, or "".
func leader(ctx context.Context) string {
	var lease coordinationv1.Lease
	err := world.admin.Get(ctx, client.ObjectKey{Namespace: service.Namespace, Name: "workspace-flyte-integration"}, &lease)
	if err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// TestLeaderKilled runs a second replica, which leads after the first was killed. Both serve all the time.
func TestLeaderKilled(t *testing.T) {
	eventually(t, "the first replica to lead", func(ctx context.Context) bool { return leader(ctx) == firstReplica })
	follower, err := world.service.Replica(t.Context(), "workspace-flyte-integration-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer follower.Stop()

	deliver := func(to *service.Service, id string) {
		t.Helper()
		m := newMessage(t, workspace.EventCreated, team(id, 1))
		if r, err := to.Deliver(t.Context(), m.Message); err != nil {
			t.Fatalf("%v: %+v", err, r)
		}
	}
	deliver(follower, "by-follower")
	settled(t, "by-follower", v1alpha1.ReasonReady)

	world.service.Kill()
	killed := time.Now()
	for i := range 5 {
		deliver(follower, fmt.Sprintf("leaderless-%d", i))
	}
	t.Logf("five webhooks without a leader were stored after %v", time.Since(killed))
	for i := range 5 {
		settled(t, fmt.Sprintf("leaderless-%d", i), v1alpha1.ReasonReady)
	}
	took := time.Since(killed)
	t.Logf("the follower had taken over after %v", took)
	if took > takeover {
		t.Errorf("the follower took over after %v, docs/operations.md says %v", took, takeover)
	}
	if err := world.service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}
