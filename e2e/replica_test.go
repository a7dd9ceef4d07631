package e2e

import (
	"fmt"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestLeaderKilled runs a second replica, which leads after the first was killed. Both serve all the time.
func TestLeaderKilled(t *testing.T) {
	follower, err := world.service.Replica(t.Context(), "workspace-flyte-integration-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer follower.Stop()

	deliver := func(base, id string) {
		t.Helper()
		m := newMessage(t, workspace.EventCreated, team(id, 1))
		if r, err := m.deliver(t.Context(), base, world.service.Secret); err != nil {
			t.Fatalf("%v: %+v", err, r)
		}
	}
	deliver(follower.URL, "by-follower")
	settled(t, "by-follower", v1alpha1.ReasonReady)

	world.service.Kill()
	killed := time.Now()
	for i := range 5 {
		deliver(follower.URL, fmt.Sprintf("leaderless-%d", i))
	}
	t.Logf("five webhooks without a leader were stored after %v", time.Since(killed))
	for i := range 5 {
		settled(t, fmt.Sprintf("leaderless-%d", i), v1alpha1.ReasonReady)
	}
	t.Logf("the follower had taken over after %v", time.Since(killed))
	if err := world.service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}
