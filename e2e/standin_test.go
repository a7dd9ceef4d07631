package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice/workspaceservicetest"
)

// standIn is the workspace service as a process of its own, which may be killed.
type standIn struct {
	dir, address, secret string
	args                 []string
	program              *devcluster.Program
}

// newStandIn starts the stand-in, and the service beside it that talks with it until the test ends.
func newStandIn(t *testing.T, env map[string]string, args ...string) *standIn {
	t.Helper()
	s := aloneStandIn(t, args...)
	talking := map[string]string{"WORKSPACE_API_ENDPOINT": s.url(), "WORKSPACE_API_SECRET": s.secret}
	maps.Copy(talking, env)
	reconfigure(t, t.Context(), talking)
	t.Cleanup(func() {
		for name := range talking {
			talking[name] = ""
		}
		reconfigure(t, context.WithoutCancel(t.Context()), talking)
	})
	return s
}

// aloneStandIn starts the stand-in, which the service knows nothing of.
func aloneStandIn(t *testing.T, args ...string) *standIn {
	t.Helper()
	s := &standIn{dir: t.TempDir(), secret: signature.NewSecret(), args: args}
	free, err := devcluster.FreeAddresses(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s.address = free[0]
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

// reconfigure restarts the shared service with these variables.
func reconfigure(t *testing.T, ctx context.Context, env map[string]string) { //nolint:revive // t first, as everywhere
	t.Helper()
	world.service.Stop()
	world.service.Configure(env)
	if err := world.service.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func (s *standIn) url() string { return "http://" + s.address }

func (s *standIn) start(t *testing.T) {
	t.Helper()
	args := append([]string{
		"workspace-service", "--listen", s.address, "--webhook-url", world.service.URL,
		"--state", filepath.Join(s.dir, "state"), "--faster", fmt.Sprint(scheduleFaster),
	}, s.args...)
	env := []string{"WORKSPACE_WEBHOOK_SECRET=" + world.service.Secret, "WORKSPACE_API_SECRET=" + s.secret}
	var err error
	if s.program, err = devcluster.StartProgram(s.dir, env, world.ctl, args...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the workspace service to answer", func(ctx context.Context) bool {
		select {
		case <-s.program.Exited():
			t.Fatal(s.program.Failure())
		default:
		}
		_, err := s.ask(ctx, http.MethodGet, "/workspaces", "")
		return err == nil
	})
}

func (s *standIn) kill() { s.program.Stop(0) }

// ask asks once.
func (s *standIn) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url()+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := service.Sender.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return text, err
}

// change has the workspace service change something, as a person does who tries again while it is down.
func (s *standIn) change(t *testing.T, method, path, body string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, *patience, true, func(ctx context.Context) (bool, error) {
		_, err := s.ask(ctx, method, path, body)
		return err == nil, nil
	})
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
}

func (s *standIn) show(t *testing.T, id string) (shown workspaceservicetest.Shown) {
	t.Helper()
	text, err := s.ask(t.Context(), http.MethodGet, "/workspaces/"+id, "")
	if err == nil {
		err = json.Unmarshal(text, &shown)
	}
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// said counts the lines of the conversation with this text.
func (s *standIn) said(t *testing.T, text string) int {
	t.Helper()
	log, err := os.ReadFile(s.program.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, []byte(text))
}

// reportedAs is what is reported when a state is reached.
var reportedAs = map[string]string{
	"Active": workspaceservice.StatusReady, "Suspended": workspaceservice.StatusSuspended, "Deleted": workspaceservice.StatusDeleted,
}
