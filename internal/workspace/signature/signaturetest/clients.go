// Package signaturetest installs the npm clients of Standard Webhooks and Svix for tests: independent programs that sign requests.
package signaturetest

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/filelock"
)

// The lockfile pins the clients and their dependencies by digest.
var (
	//go:embed package.json
	manifest []byte
	//go:embed package-lock.json
	lockfile []byte
)

// NodePath returns the value of NODE_PATH with which Node finds the clients. They are installed once for each lockfile,
// outside the checkout ($WFI_CACHE_DIR, else workspace-flyte-integration in the user's cache directory), however many
// tests, packages and processes ask at once. It needs npm the first time.
func NodePath(ctx context.Context) (string, error) {
	root, err := binaries.CacheDir()
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(lockfile)
	dir := filepath.Join(root, "npm", hex.EncodeToString(digest[:8]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("making the cache of npm clients: %w", err)
	}
	lock, err := filelock.Wait(ctx, dir+".lock", func() {})
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := install(ctx, dir); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "node_modules"), nil
}

// install needs the lock. It installs into a temporary directory and then renames it: an interrupted installation is never used.
func install(ctx context.Context, dir string) error {
	aside := dir + ".installing"
	if err := errors.Join(os.RemoveAll(aside), os.Mkdir(aside, 0o755)); err != nil {
		return fmt.Errorf("preparing npm ci: %w", err)
	}
	defer os.RemoveAll(aside)
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lockfile} {
		if err := os.WriteFile(filepath.Join(aside, name), content, 0o600); err != nil {
			return fmt.Errorf("preparing npm ci: %w", err)
		}
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = aside
	if output, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("running npm ci, which these tests need: %w\n%s", err, output)
	}
	if err := os.Rename(aside, dir); err != nil {
		return fmt.Errorf("keeping the npm clients: %w", err)
	}
	return nil
}
