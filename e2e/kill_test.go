package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestSurvivesSIGKILL kills the service again and again while 100 workspaces arrive: what was answered 2xx becomes
// Ready after the last restart, and nothing is made twice.
func TestSurvivesSIGKILL(t *testing.T) {
	const n, kills = 100, 6
	ctx, cancel := context.WithTimeout(t.Context(), 2**patience)
	defer cancel()
	var senders sync.WaitGroup
	for i := range n {
		m := newMessage(t, workspace.EventCreated, team(fmt.Sprintf("kill-%d", i), 1))
		senders.Go(func() {
			if _, err := world.service.Deliver(ctx, m.Message); err != nil {
				t.Errorf("workspace %d: %v", i, err)
			}
		})
	}
	for range kills {
		// Somewhere in the middle of the work; the moment is random on purpose.
		target := len(auditedCreates(t, "kill-")) + rand.IntN(n*objectsPerWorkspace/kills)
		eventually(t, "some more work to be done", func(context.Context) bool {
			return len(auditedCreates(t, "kill-")) >= target || countReady(t, "kill-") == n
		})
		world.service.Kill()
		if err := world.service.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	senders.Wait()
	for i := range n {
		settled(t, fmt.Sprintf("kill-%d", i), v1alpha1.ReasonReady)
	}
	for object, times := range auditedCreates(t, "kill-") {
		if times > 1 {
			t.Errorf("%s was made %d times", object, times)
		}
	}
}

// TestRestartWritesNothing restarts the service beside workspaces that are as they should be.
func TestRestartWritesNothing(t *testing.T) {
	newMessage(t, workspace.EventCreated, team("restart", 1)).mustDeliver(t)
	settled(t, "restart", v1alpha1.ReasonReady)
	atRest(t, 0) // with nothing under way, what was written is in the log
	before := len(auditedWrites(t))
	world.service.Stop()
	if err := world.service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A new event is handled after everything that the start has put into the queue.
	newMessage(t, workspace.EventCreated, team("restart-after", 1)).mustDeliver(t)
	settled(t, "restart-after", v1alpha1.ReasonReady)
	for _, entry := range auditedWrites(t)[before:] {
		if entry.concerns("restart") && !entry.concerns("restart-after") {
			t.Errorf("wrote at rest: %s %+v", entry.Verb, entry.ObjectRef)
		}
	}
}

// objectsPerWorkspace are the objects of team: the Workspace, its Namespace and what is in it.
const objectsPerWorkspace = 13
