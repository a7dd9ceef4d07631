package webhook_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// clientsDir has the lockfile of the npm clients, which this package shares with others.
const clientsDir = "../signature/testdata/node"

// nodeClients is the variable by which Node finds what the lockfile names. It is installed once for each lockfile,
// outside the checkout: aside, and then renamed.
func nodeClients(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil && os.Getenv("WFI_CACHE_DIR") == "" {
		t.Fatal(err)
	}
	parent := filepath.Join(cmp.Or(os.Getenv("WFI_CACHE_DIR"), filepath.Join(cache, "workspace-flyte-integration")), "npm")
	lock, err := os.ReadFile(filepath.Join(clientsDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(lock)
	installed := filepath.Join(parent, hex.EncodeToString(digest[:8]))
	if _, err := os.Stat(installed); err != nil {
		npmInstall(t, installed)
	}
	return "NODE_PATH=" + filepath.Join(installed, "node_modules")
}

func npmInstall(t *testing.T, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	aside, err := os.MkdirTemp(filepath.Dir(to), ".webhook-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(aside)
	if err := os.CopyFS(aside, os.DirFS(clientsDir)); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = aside
	if output, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("running npm ci, which this test needs: %v\n%s", err, output)
	}
	if err := os.Rename(aside, to); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}
