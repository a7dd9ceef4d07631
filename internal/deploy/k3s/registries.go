package k3s

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// registries is the file of K3s that names registries and the credentials for them
// (https://docs.k3s.io/installation/private-registry).
type registries struct {
	// Mirrors has "*", so that the embedded registry shares the images of all registries between nodes.
	Mirrors map[string]any `json:"mirrors"`
	Configs map[string]any `json:"configs,omitempty"`
}

// registries reads the operator's file, if there is one. Its credentials are in no error.
func (t *Target) registries() (*registries, error) {
	r := &registries{}
	if t.o.Registries != "" {
		text, err := os.ReadFile(t.o.Registries)
		if err != nil {
			return nil, deploy.Failf(deploy.PreflightFailed, "reading --registries: %w", err)
		}
		if err := yaml.UnmarshalStrict(text, r); err != nil {
			return nil, deploy.Failf(deploy.PreflightFailed, "--registries %s must be a registries.yaml of K3s, with only mirrors and configs",
				t.o.Registries)
		}
	}
	if r.Mirrors == nil {
		r.Mirrors = map[string]any{}
	}
	if r.Mirrors["*"] == nil {
		r.Mirrors["*"] = map[string]any{}
	}
	return r, nil
}

// configureRegistries is a step of each host. K3s reads the file when it starts, so it is restarted if the file has changed; pods run on.
func (t *Target) configureRegistries(ctx context.Context, step *progress.Step, h *host) error {
	r, err := t.registries()
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(r)
	if err != nil {
		return err
	}
	content := marker + string(text)
	size := strconv.Itoa(len(content))
	if err := h.Script(ctx, registriesScript, strings.NewReader(content), step.Output, registriesPath, size); err != nil {
		return fmt.Errorf("writing %s: %w", registriesPath, err)
	}
	return nil
}
