package node

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// operatorsCommands runs doctor and dashboard, which reach a pod by a port-forward through the API server and the kubelet.
func operatorsCommands(t *testing.T) {
	t.Parallel()
	integrationctl := filepath.Join(t.TempDir(), "integrationctl")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", integrationctl, "../../cmd/integrationctl")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building integrationctl: %v\n%s", err, text)
	}
	rolledOut(t)
	t.Run("doctor", func(t *testing.T) { doctor(t, integrationctl) })
	t.Run("dashboard", func(t *testing.T) { dashboard(t, integrationctl) })
}

func doctor(t *testing.T, integrationctl string) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), integrationctl, "doctor", "--kubeconfig", env.cluster.Kubeconfig()).CombinedOutput()
	for _, line := range []string{
		`service +ok +3 of 3 replicas are ready`, `leader +ok +workspace-flyte-integration-`, `webhook secret +ok +Secret platform-services/`,
		`health +ok +healthy`, `Flyte +ok `, `tiers +ok `,
	} {
		if !regexp.MustCompile(`(?m)^` + line).Match(said) {
			t.Errorf("doctor does not say %q: %v\n%s", line, err, said)
		}
	}
}

// dashboard opens the page by the address that the command prints, and ends it with Ctrl-C.
func dashboard(t *testing.T, integrationctl string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *harness.Patience)
	defer cancel()
	command := exec.CommandContext(ctx, integrationctl, "dashboard", "--no-browser", "--port", "0", "--kubeconfig", env.cluster.Kubeconfig())
	out, err := command.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, command.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	harness.Must(t, err)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSpace(address), http.NoBody)
	harness.Must(t, err)
	response, err := http.DefaultClient.Do(r)
	harness.Must(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	harness.Must(t, err)
	if !strings.Contains(string(page), `id="token"`) {
		t.Errorf("the page has no field for a token:\n%.500s", page)
	}
	harness.Must(t, command.Process.Signal(syscall.SIGINT))
	err = command.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 130 {
		t.Errorf("Ctrl-C ends it with %v", err)
	}
}
