package flyte_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// TestClient_LeavesAFailingFlyteInPeace fails five times in a row: then Flyte is not asked for a while, and its first
// success lets everything through again.
func TestClient_LeavesAFailingFlyteInPeace(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	client := connect(t, double.Addr()).client
	project := flyte.Project{ID: "peace", Labels: map[string]string{ownerLabel: "peace"}}
	const failures = 5
	double.SetUnavailable(true)
	for range failures {
		if _, err := client.EnsureProject(t.Context(), project); !errors.Is(err, flyte.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	asked := double.Calls()["GetProject"]
	if _, err := client.EnsureProject(t.Context(), project); !errors.Is(err, flyte.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if more := double.Calls()["GetProject"] - asked; more != 0 {
		t.Errorf("Flyte was asked %d times while it should be left in peace", more)
	}
	double.SetUnavailable(false)
	deadline := time.Now().Add(time.Minute)
	for {
		changed, err := client.EnsureProject(t.Context(), project)
		if changed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Flyte is not asked again: %v", err)
		}
	}
}

// TestClient_GoesOnAskingAfterRefusals is refused many times: a refusal is an answer.
func TestClient_GoesOnAskingAfterRefusals(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	client := connect(t, double.Addr()).client
	const refusals = 20
	double.FailNext(codes.PermissionDenied, refusals)
	project := flyte.Project{ID: "refused", Labels: map[string]string{ownerLabel: "refused"}}
	for range refusals {
		if _, err := client.EnsureProject(t.Context(), project); !errors.Is(err, flyte.ErrUnauthorized) {
			t.Fatalf("got %v", err)
		}
	}
}
