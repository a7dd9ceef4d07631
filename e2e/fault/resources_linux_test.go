package fault

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
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestDiskFullForLogs lets all writes to the log fail: the service goes on.
func TestDiskFullForLogs(t *testing.T) {
	env := shared.Env()
	const pod = "workspace-flyte-integration-mute"
	replica, err := env.Service.Replica(t.Context(), pod)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(filepath.Dir(env.Service.LogPath()), pod, "integration.log")
	if err := os.Symlink("/dev/full", log); err != nil {
		t.Fatal(err)
	}
	if err := replica.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer replica.Stop()
	harness.DeliverTo(t, replica, harness.NewMessage(t, workspace.EventCreated, harness.Data("mute", 1)))
	env.AwaitReason(t, "mute", v1alpha1.ReasonReady)
}

// TestFileDescriptorsUsedUp leaves the service no file descriptor: senders can't connect, and open connections go on. When there are file
// descriptors again, new senders are answered.
func TestFileDescriptorsUsedUp(t *testing.T) {
	env := shared.Env()
	before := setLimit(t, 1)
	refused := harness.NewMessage(t, workspace.EventCreated, harness.Data("descriptors", 1))
	service.Sender.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	r, err := env.Service.Post(ctx, refused)
	cancel()
	setLimit(t, before)
	if err == nil && r.Status < http.StatusInternalServerError {
		t.Errorf("answered %d without a file descriptor", r.Status)
	}
	env.Deliver(t, refused)
	env.AwaitReason(t, "descriptors", v1alpha1.ReasonReady)
}

// setLimit bounds the service's file descriptors and returns the bound that there was. Those beyond it stay open.
func setLimit(t *testing.T, files uint64) (before uint64) {
	t.Helper()
	env := shared.Env()
	var old unix.Rlimit
	if err := unix.Prlimit(env.Service.PID(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(env.Service.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return old.Cur
}
