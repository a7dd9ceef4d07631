package crash

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

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice/workspaceservicetest"
)

// workspaceServiceDouble is the double of the workspace service as a process of its own, which may be killed.
type workspaceServiceDouble struct {
	dir, address, secret string
	args                 []string
	program              *devcluster.Program
}

// startWorkspaceService starts the double, and the service again so that it reports to the double until the test ends.
func startWorkspaceService(t *testing.T, env map[string]string, args ...string) *workspaceServiceDouble {
	t.Helper()
	s := startUnconnected(t, args...)
	connection := map[string]string{"WORKSPACE_API_ENDPOINT": s.url(), "WORKSPACE_API_SECRET": s.secret}
	maps.Copy(connection, env)
	shared.Env().Restart(t.Context(), t, connection)
	t.Cleanup(func() {
		for name := range connection {
			connection[name] = ""
		}
		shared.Env().Restart(context.WithoutCancel(t.Context()), t, connection)
	})
	return s
}

// startUnconnected starts the double without configuring the service for it.
func startUnconnected(t *testing.T, args ...string) *workspaceServiceDouble {
	t.Helper()
	s := &workspaceServiceDouble{dir: t.TempDir(), secret: signature.NewSecret(), args: args}
	free, err := devcluster.FreeAddresses(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s.address = free[0]
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *workspaceServiceDouble) url() string { return "http://" + s.address }

func (s *workspaceServiceDouble) start(t *testing.T) {
	t.Helper()
	e := shared.Env()
	args := append([]string{
		"workspace-service", "--listen", s.address, "--webhook-url", e.Service.URL,
		"--state", filepath.Join(s.dir, "state"), "--faster", fmt.Sprint(scheduleFaster),
	}, s.args...)
	env := []string{"WORKSPACE_WEBHOOK_SECRET=" + e.Service.Secret, "WORKSPACE_API_SECRET=" + s.secret}
	var err error
	if s.program, err = devcluster.StartProgram(s.dir, env, e.Integrationctl, args...); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the workspace service to answer", func(ctx context.Context) bool {
		select {
		case <-s.program.Exited():
			t.Fatal(s.program.Failure())
		default:
		}
		_, err := s.ask(ctx, http.MethodGet, "/workspaces", "")
		return err == nil
	})
}

func (s *workspaceServiceDouble) kill() { s.program.Stop(0) }

// ask sends one request.
func (s *workspaceServiceDouble) ask(ctx context.Context, method, path, body string) ([]byte, error) {
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

// change has the double change a workspace, and tries again while the double is down.
func (s *workspaceServiceDouble) change(t *testing.T, method, path, body string) {
	t.Helper()
	err := harness.Poll(t.Context(), func(ctx context.Context) bool {
		_, err := s.ask(ctx, method, path, body)
		return err == nil
	})
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
}

func (s *workspaceServiceDouble) show(t *testing.T, id string) (shown workspaceservicetest.Shown) {
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

// logged counts the log lines with this text.
func (s *workspaceServiceDouble) logged(t *testing.T, text string) int {
	t.Helper()
	log, err := os.ReadFile(s.program.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(log, []byte(text))
}

// reportedAs is the status that is reported when a state is reached.
var reportedAs = map[string]string{
	"Active": workspaceservice.StatusReady, "Suspended": workspaceservice.StatusSuspended, "Deleted": workspaceservice.StatusDeleted,
}
