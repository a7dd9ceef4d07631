package signaturetest_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature/signaturetest"
)

// TestNodePath_InstallsOnce: several at once are given the same complete folder, and nothing else is left beside it.
func TestNodePath_InstallsOnce(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("WFI_CACHE_DIR", cache)
	paths := make([]string, 4)
	var group sync.WaitGroup
	for i := range paths {
		group.Go(func() {
			var err error
			if paths[i], err = signaturetest.NodePath(t.Context()); err != nil {
				t.Error(err)
				return
			}
			for _, client := range []string{"standardwebhooks", "svix"} {
				if _, err := os.Stat(filepath.Join(paths[i], client, "package.json")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	kept, err := os.ReadDir(filepath.Join(cache, "npm"))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2 { // the folder and its lock
		t.Errorf("the cache contains %v", kept)
	}
}
