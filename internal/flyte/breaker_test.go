package flyte_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// TestClient_StopsCallingAFailingFlyte: after five failures in a row Flyte is not called for a while, until a call succeeds.
func TestClient_StopsCallingAFailingFlyte(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	client := connect(t, double.Addr()).client
	project := flyte.Project{ID: "failing", Labels: map[string]string{ownerLabel: "failing"}}
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
		t.Errorf("Flyte was called %d times while the breaker was open", more)
	}
	double.SetUnavailable(false)
	deadline := time.Now().Add(time.Minute)
	for {
		changed, err := client.EnsureProject(t.Context(), project)
		if changed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Flyte is not called again: %v", err)
		}
	}
}

// TestClient_KeepsCallingAfterRefusals: a refusal is no systemic failure.
func TestClient_KeepsCallingAfterRefusals(t *testing.T) {
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
