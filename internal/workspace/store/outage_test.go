package store

import (
	"context"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// If the API server hangs, Record returns at its deadline; if it is down, at once. When it is back, Record works again without a
// restart.
func TestStore_IsUnavailableWithoutTheAPIServer(t *testing.T) {
	k, cluster := newKube(t), shared.Cluster(t)
	s := newStore(t, k)
	record := func(id string, timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		e := event(workspace.EventCreated, id, 1)
		_, _, err := s.Record(ctx, e, delivery(e))
		return err
	}
	refuses := func(t *testing.T, id string, timeout time.Duration) {
		t.Helper()
		began := time.Now()
		if err := record(id, timeout); workspace.KindOf(err) != workspace.KindUnavailable {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	}
	t.Run("hangs", func(t *testing.T) {
		cluster.PauseAPIServer()
		defer cluster.ResumeAPIServer()
		refuses(t, "store-hanging", time.Second) // stored all the same, perhaps, when it goes on
	})
	t.Run("down", func(t *testing.T) {
		cluster.StopAPIServer()
		defer func() { must(t, cluster.StartAPIServer(context.Background())) }()
		refuses(t, "store-down", time.Minute)
	})
	eventually(t, func(context.Context) error { return record("store-down", 5*time.Second) })
	if got := k.workspace(t, "store-down").Spec.Version; got != 1 {
		t.Errorf("version %d", got)
	}
}
