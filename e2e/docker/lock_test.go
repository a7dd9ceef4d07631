//go:build linux

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// testLock: who finds a lock that is renewed is refused and told who holds it and why; one that is no longer renewed is taken over.
func testLock(t *testing.T, env *environment) {
	t.Helper()
	h := env.startHost(t)
	o := env.options(t, h, h.Path("/run/docker.sock"))
	harness.Must(t, newTarget(t, o).Setup(t.Context(), quiet(t)))
	engine := engineOf(t, o.Socket)
	created, err := engine.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name: release + "-deploy",
		Config: &container.Config{Image: release + "-files:1", Cmd: []string{"never-started"}, Labels: map[string]string{
			"platform.company.com/deploy-holder": "ben@laptop (process 7)", "platform.company.com/deploy-why": "faster queue",
		}},
	})
	harness.Must(t, err)
	ctx, die := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ctx.Err() == nil; n++ {
			beat(t.Context(), engine, created.ID, fmt.Sprint(n))
		}
	}()
	err = newTarget(t, o).Setup(t.Context(), quiet(t))
	if deploy.OutcomeOf(err) != deploy.PreflightFailed || !strings.Contains(err.Error(), "is held by ben@laptop (process 7)") ||
		!strings.Contains(err.Error(), "faster queue") {
		t.Errorf("the lock of a live operator: %v", err)
	}
	status, err := newTarget(t, o).Status(t.Context())
	harness.Must(t, err)
	if status.LockedBy != "ben@laptop (process 7)" {
		t.Errorf("the status says that it is locked by %q", status.LockedBy)
	}
	die()
	<-ended
	begin := time.Now()
	harness.Must(t, newTarget(t, o).Setup(t.Context(), quiet(t)))
	if waited := time.Since(begin); waited < o.Lock.Duration {
		t.Errorf("the lock of a dead operator was taken over after %s", waited)
	}
}

// beat writes the heartbeat of a lock.
func beat(ctx context.Context, engine *client.Client, id, text string) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	_ = w.WriteHeader(&tar.Header{Name: "heartbeat", Size: int64(len(text)), Typeflag: tar.TypeReg})
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	_, _ = engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: &out})
}
