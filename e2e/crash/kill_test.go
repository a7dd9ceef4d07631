package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestSurvivesSIGKILL kills the service again and again while workspaces arrive: everything that was answered 2xx becomes Ready after the
// last restart, and nothing is created twice.
func TestSurvivesSIGKILL(t *testing.T) {
	env := shared.Env()
	const n, kills = 40, 4
	ctx, cancel := context.WithTimeout(t.Context(), 2**harness.Patience)
	defer cancel()
	var senders sync.WaitGroup
	for i := range n {
		m := harness.NewMessage(t, workspace.EventCreated, harness.Data(fmt.Sprintf("kill-%d", i), 1))
		senders.Go(func() {
			if _, err := env.Service.Deliver(ctx, m); err != nil {
				t.Errorf("workspace %d: %v", i, err)
			}
		})
	}
	for range kills {
		// In the middle of the work, at a random moment on purpose.
		target := len(env.Creations(t, "kill-")) + rand.IntN(n*objectsPerWorkspace/kills)
		harness.Eventually(t, "some more work to be done", func(context.Context) bool {
			return len(env.Creations(t, "kill-")) >= target || env.CountReady(t, "kill-") == n
		})
		env.Service.Kill()
		if err := env.Service.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	senders.Wait()
	for i := range n {
		env.AwaitReason(t, fmt.Sprintf("kill-%d", i), v1alpha1.ReasonReady)
	}
	for object, times := range env.Creations(t, "kill-") {
		if times > 1 {
			t.Errorf("%s was created %d times", object, times)
		}
	}
}

// objectsPerWorkspace is how many objects each workspace has, or a few less.
const objectsPerWorkspace = 9
