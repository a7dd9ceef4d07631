package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/filelock"
)

// build builds both binaries once for all packages that run at the same time, and links them into the environment's directory, so that
// nobody's later build replaces them.
func (e *Env) build(ctx context.Context) error {
	root, err := binaries.Root()
	if err != nil {
		return err
	}
	shared := filepath.Join(root, "bin", "e2e")
	if err := os.MkdirAll(shared, 0o755); err != nil { //nolint:gosec // binaries are for everybody
		return err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(shared, ".lock"), func() {})
	if err != nil {
		return err
	}
	defer lock.Close()
	build := exec.CommandContext(ctx, "go", "build", "-o", shared, "./cmd/integration", "./cmd/integrationctl")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the binaries: %w\n%s", err, text)
	}
	for name, path := range map[string]*string{"integration": &e.Integration, "integrationctl": &e.Integrationctl} {
		*path = filepath.Join(e.dir, name)
		if err := copyFile(filepath.Join(shared, name), *path); err != nil {
			return err
		}
	}
	return nil
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
