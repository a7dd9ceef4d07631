package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	apiInterval = 20 * time.Millisecond
	apiTimeout  = 20 * time.Second
	stopGrace   = 5 * time.Second
)

// samples are the workspaces that `run` creates.
//
//go:embed samples/*.json
var samples embed.FS

// workspaceService is the double of the workspace service, in its own process.
type workspaceService struct {
	dir, address, secret string
	program              *devcluster.Program
}

func newWorkspaceService(dir, address string) *workspaceService {
	return &workspaceService{dir: dir, address: address, secret: signature.NewSecret()}
}

func (a *workspaceService) url() string { return "http://" + a.address }

// variables configure the integration to use it.
func (a *workspaceService) variables() map[string]string {
	return map[string]string{"WORKSPACE_API_ENDPOINT": a.url(), "WORKSPACE_API_SECRET": a.secret}
}

func (a *workspaceService) log() string { return filepath.Join(runDir, "integrationctl.log") }

// start starts it and returns when it answers.
func (a *workspaceService) start(ctx context.Context, svc *service.Service) (err error) {
	progress("starting the workspace service's double on " + a.address + ", log in " + a.log())
	env := []string{"WORKSPACE_WEBHOOK_SECRET=" + svc.Secret, "WORKSPACE_API_SECRET=" + a.secret}
	a.program, err = devcluster.StartProgram(a.dir, env, sibling("integrationctl"), "workspace-service",
		"--listen", a.address, "--webhook-url", svc.URL)
	if err != nil {
		return fmt.Errorf("starting the workspace service: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, apiInterval, apiTimeout, true, func(ctx context.Context) (bool, error) {
		_, err := a.request(ctx, http.MethodGet, "/", nil)
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the workspace service: %w", err)
	}
	return nil
}

func (a *workspaceService) stop() {
	if a.program != nil {
		a.program.Stop(stopGrace)
	}
}

// createSamples creates the samples: the workspace service sends a signed webhook for each.
func (a *workspaceService) createSamples(ctx context.Context) error {
	files, err := samples.ReadDir("samples")
	if err != nil {
		return fmt.Errorf("reading the samples: %w", err)
	}
	for _, file := range files {
		text, err := samples.ReadFile("samples/" + file.Name())
		if err != nil {
			return fmt.Errorf("reading the samples: %w", err)
		}
		var sample struct {
			Data json.RawMessage `json:"data"`
		}
		var id struct {
			WorkspaceID string `json:"workspace_id"`
		}
		if err := json.Unmarshal(text, &sample); err != nil {
			return fmt.Errorf("reading samples/%s: %w", file.Name(), err)
		}
		if err := json.Unmarshal(sample.Data, &id); err != nil {
			return fmt.Errorf("reading samples/%s: %w", file.Name(), err)
		}
		progress("the workspace service sends a signed webhook: samples/" + file.Name())
		if _, err := a.request(ctx, http.MethodPut, "/workspaces/"+id.WorkspaceID, sample.Data); err != nil {
			return fmt.Errorf("creating %s: %w", id.WorkspaceID, err)
		}
	}
	return nil
}

// show prints the requests and reports of the workspace service, when it has a report of every workspace.
func (a *workspaceService) show(ctx context.Context, out io.Writer) error {
	var table string
	err := wait.PollUntilContextTimeout(ctx, apiInterval, apiTimeout, true, func(ctx context.Context) (_ bool, err error) {
		table, err = a.request(ctx, http.MethodGet, "/", nil)
		return err == nil && !strings.Contains(table, "nothing"), nil
	})
	fmt.Fprintf(out, "\nWorkspaces that the workspace service requested, and the reports that it received:\n\n%s", table)
	if err != nil {
		return fmt.Errorf("waiting for the reports: %w", err)
	}
	return nil
}

func (a *workspaceService) request(ctx context.Context, method, path string, body []byte) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.url()+path, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("creating the request: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("calling the workspace service: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the workspace service answered %s", response.Status)
	}
	return string(text), err
}
