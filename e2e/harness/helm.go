package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Helm is the path of Helm 4's command line: $HELM, else the one that `make verify` and `make test` have installed.
func Helm() (string, error) { return tool("helm") }

// Helm3 is that of Helm 3: $HELM3, or installed likewise.
func Helm3() (string, error) { return tool("helm3") }

func tool(name string) (string, error) {
	variable := strings.ToUpper(name)
	if path := os.Getenv(variable); path != "" {
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
	found, _ := filepath.Glob(filepath.Join(cache, "tools", name+"@*", name))
	if len(found) == 0 {
		return "", fmt.Errorf("there is no %s: set %s to its path, or run make test, which installs it into %s", name, variable, cache)
	}
	return found[len(found)-1], nil
}
