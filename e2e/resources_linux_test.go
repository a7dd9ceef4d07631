package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestDiskFullForLogs has nowhere to log to: the service serves all the same.
func TestDiskFullForLogs(t *testing.T) {
	const pod = "workspace-flyte-integration-mute"
	replica, err := world.service.Replica(t.Context(), pod)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(filepath.Dir(world.service.LogPath()), pod, "integration.log")
	if err := os.Symlink("/dev/full", log); err != nil {
		t.Fatal(err)
	}
	if err := replica.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer replica.Stop()
	if _, err := newMessage(t, workspace.EventCreated, team("mute", 1)).deliverTo(t.Context(), replica); err != nil {
		t.Fatal(err)
	}
	settled(t, "mute", v1alpha1.ReasonReady)
}

// TestFileDescriptorsUsedUp takes away all file descriptors that are not in use: senders can't connect, and what is
// connected goes on. When there are some again, so does everything.
func TestFileDescriptorsUsedUp(t *testing.T) {
	before := setLimit(t, 1)
	refused := newMessage(t, workspace.EventCreated, team("descriptors", 1))
	service.Sender.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	r, err := world.service.Post(ctx, refused.Message)
	cancel()
	setLimit(t, before)
	if err == nil && r.Status < http.StatusInternalServerError {
		t.Errorf("answered %d without a file descriptor", r.Status)
	}
	refused.mustDeliver(t)
	settled(t, "descriptors", v1alpha1.ReasonReady)
}

// setLimit bounds the service's file descriptors and returns the bound that there was. Those beyond it stay open.
func setLimit(t *testing.T, files uint64) (before uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Prlimit(world.service.PID(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(world.service.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return old.Cur
}
