package harness

import (
	"fmt"
	"os"
	"path/filepath"
)

// Helm is the path of Helm's command line: $HELM, else the one that `make verify` and `make test` have installed.
func Helm() (string, error) {
	if path := os.Getenv("HELM"); path != "" {
		return path, nil
	}
	cache := os.Getenv("WFI_CACHE_DIR")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(dir, "workspace-flyte-integration")
	}
	found, _ := filepath.Glob(filepath.Join(cache, "tools", "helm@*", "helm"))
	if len(found) == 0 {
		return "", fmt.Errorf("there is no Helm: set HELM to its path, or run make test, which installs it into %s", cache)
	}
	return found[len(found)-1], nil
}
