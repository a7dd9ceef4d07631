package webhook_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// clientsDir has the lockfile of the npm clients, which this package shares with others.
const clientsDir = "../signature/testdata/node"

// nodeClients is the variable by which Node finds what the lockfile names. It is installed once for each lockfile,
// outside the checkout.
func nodeClients(t *testing.T) string {
	t.Helper()
	parent := filepath.Join(cacheDir(t), "npm")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	cache, err := os.OpenRoot(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	lock, err := os.ReadFile(filepath.Join(clientsDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(lock)
	name := hex.EncodeToString(digest[:8])
	if _, err := cache.Stat(name); err != nil {
		npmInstall(t, cache, name)
	}
	return "NODE_PATH=" + filepath.Join(parent, name, "node_modules")
}

// npmInstall installs aside and then renames: what is interrupted leaves nothing that would be used.
func npmInstall(t *testing.T, cache *os.Root, name string) {
	t.Helper()
	aside := fmt.Sprintf(".%s-%d-webhook", name, os.Getpid())
	defer func() {
		if err := cache.RemoveAll(aside); err != nil {
			t.Error(err)
		}
	}()
	to := filepath.Join(cache.Name(), aside)
	if err := os.CopyFS(to, os.DirFS(clientsDir)); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = to
	if output, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("running npm ci, which this test needs: %v\n%s", err, output)
	}
	if err := cache.Rename(aside, name); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}

// cacheDir is where downloads are kept.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if own := os.Getenv("WFI_CACHE_DIR"); own != "" || err == nil {
		return cmp.Or(own, filepath.Join(dir, "workspace-flyte-integration"))
	}
	t.Fatal(err)
	return ""
}
