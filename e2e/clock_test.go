package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// tolerance is WEBHOOK_TOLERANCE, as the chart sets it.
const tolerance = 5 * time.Minute

// TestClockOff sends as somebody whose clock is off, a second inside the tolerance and a second outside. A webhook tells the
// service no other time than its timestamp, so that the service's own clock being off the other way would be the same.
func TestClockOff(t *testing.T) {
	for _, off := range []time.Duration{-tolerance - time.Second, -tolerance + time.Second, tolerance - time.Second, tolerance + time.Second} {
		t.Run(off.String(), func(t *testing.T) {
			inside := off.Abs() < tolerance
			p := postOff(t, off, inside)
			if inside {
				mustBe(t, p.reply, http.StatusAccepted)
				settled(t, p.id, v1alpha1.ReasonReady)
				return
			}
			mustBe(t, p.reply, http.StatusUnauthorized)
			if err := world.admin.Get(t.Context(), named(p.id), &v1alpha1.Workspace{}); !apierrors.IsNotFound(err) {
				t.Errorf("what was refused has made a Workspace, or: %v", err)
			}
			p.mustDeliver(t) // by a clock that was set right
			settled(t, p.id, v1alpha1.ReasonReady)
		})
	}
}

func mustBe(t *testing.T, r service.Reply, status int) {
	t.Helper()
	if r.Status != status {
		t.Errorf("answered %d, not %d: %s", r.Status, status, r.Body)
	}
}

// posted is a message about a new workspace, and its answer.
type posted struct {
	message

	id    string
	reply service.Reply
}

// postOff sends by a clock that is off. A timestamp that grows too old on its way, or comes out of the future, proves nothing:
// another message is sent, until one arrives within its second.
func postOff(t *testing.T, off time.Duration, inside bool) (p posted) {
	t.Helper()
	n := 0
	eventually(t, "a webhook that arrives within its second", func(ctx context.Context) bool {
		n++
		p.id = fmt.Sprintf("clock-%d-%d", int(off.Seconds()+1000), n)
		p.message = newMessage(t, workspace.EventCreated, team(p.id, 1))
		at := time.Now().Add(off).Truncate(time.Second) // as it is signed
		var err error
		if p.reply, err = world.service.PostAt(ctx, p.Message, at); err != nil {
			t.Fatal(err)
		}
		return (time.Since(at).Abs() < tolerance) == inside && p.reply.Status != http.StatusServiceUnavailable
	})
	return p
}
