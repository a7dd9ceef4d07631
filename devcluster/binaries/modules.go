package binaries

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// KubernetesSource returns the directory with the sources of the pinned Kubernetes, and downloads them if they are missing.
func KubernetesSource(ctx context.Context) (string, error) {
	module, err := moduleDir()
	if err != nil {
		return "", err
	}
	return download(ctx, module, kubernetesModule)
}

// ModuleSource returns the directory with the sources of a module at a version, such as "sigs.k8s.io/gateway-api@v1.6.3".
func ModuleSource(ctx context.Context, module string) (string, error) {
	return download(ctx, os.TempDir(), module)
}

func download(ctx context.Context, dir, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	text, err := cmd.Output()
	var found struct{ Dir, Error string }
	if parseErr := json.Unmarshal(text, &found); parseErr == nil && found.Error != "" {
		err = errors.New(found.Error)
	}
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w", module, err)
	}
	return found.Dir, nil
}
