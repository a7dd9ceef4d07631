package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/filelock"
)

// Build builds the service and its command line once for all packages that run at the same time, and links both into dir, so that no later
// build replaces them.
func Build(ctx context.Context, dir string) (integration, integrationctl string, err error) {
	root, err := binaries.Root()
	if err != nil {
		return "", "", err
	}
	shared := filepath.Join(root, "bin", "e2e")
	if err := os.MkdirAll(shared, 0o750); err != nil {
		return "", "", err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(shared, ".lock"), func() {})
	if err != nil {
		return "", "", err
	}
	defer lock.Close()
	build := exec.CommandContext(ctx, "go", "build", "-ldflags=-w", "-o", shared, "./cmd/integration", "./cmd/integrationctl")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("building the binaries: %w\n%s", err, text)
	}
	integration, integrationctl = filepath.Join(dir, "integration"), filepath.Join(dir, "integrationctl")
	return integration, integrationctl, errors.Join(
		copyFile(filepath.Join(shared, "integration"), integration), copyFile(filepath.Join(shared, "integrationctl"), integrationctl))
}

func copyFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	content, err := os.ReadFile(from) // on another file system
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755) //nolint:gosec // it is executed
}
