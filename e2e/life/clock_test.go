package life

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestClockOff sends as a sender whose clock is off. Only the difference of both clocks counts, so that the service's own clock being off
// the other way would be the same. The exact bound is in package signature.
func TestClockOff(t *testing.T) {
	t.Parallel()
	const tolerance = 5 * time.Minute // WEBHOOK_TOLERANCE, as the chart sets it
	env := shared.Env()
	for off, status := range map[time.Duration]int{
		tolerance - time.Minute:  http.StatusAccepted,
		-tolerance + time.Minute: http.StatusAccepted,
		tolerance + time.Minute:  http.StatusUnauthorized,
		-tolerance - time.Minute: http.StatusUnauthorized,
	} {
		id := fmt.Sprintf("clock-%d", int(time.Hour+off)/int(time.Second))
		m := harness.NewMessage(t, workspace.EventCreated, harness.Data(id, 1))
		r, err := env.Service.PostAt(t.Context(), m, time.Now().Add(off))
		harness.Must(t, err)
		if r.Status != status {
			t.Errorf("off by %v: answered %d, not %d: %s", off, r.Status, status, r.Body)
		}
		if status == http.StatusUnauthorized {
			if err := env.Admin.Get(t.Context(), harness.Key(id), &v1alpha1.Workspace{}); !apierrors.IsNotFound(err) {
				t.Errorf("off by %v: the refused event created a Workspace, or: %v", off, err)
			}
			env.Deliver(t, m) // by a clock that was corrected
		}
		env.AwaitReason(t, id, v1alpha1.ReasonReady)
	}
}
