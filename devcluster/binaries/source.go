package binaries

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// source is what the binaries are built from, and where they are cached.
type source struct {
	// controlPlane, kwok, kueue and nodePrograms are the directories of modules of this repository that require what is built.
	controlPlane, kwok, kueue, nodePrograms string
	// nodeHash is a hash of what nodePrograms builds.
	nodeHash string
	versions versions
	cache    string
}

func findSource() (s source, err error) {
	if s.controlPlane, err = moduleDir(); err != nil {
		return s, err
	}
	devcluster := filepath.Dir(s.controlPlane)
	s.kwok = filepath.Join(devcluster, "kwok")
	s.kueue = filepath.Join(devcluster, "kueue", "program")
	s.nodePrograms = filepath.Join(devcluster, "node", "programs")
	if s.nodeHash, err = hashModule(s.nodePrograms); err != nil {
		return s, err
	}
	if s.versions, err = readVersions(s); err != nil {
		return s, err
	}
	s.cache, err = CacheDir()
	return s, err
}

// CacheDir is the directory outside the checkout for what is built or installed once: $WFI_CACHE_DIR, or workspace-flyte-integration in
// the user's cache directory.
func CacheDir() (string, error) {
	if dir := os.Getenv("WFI_CACHE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a cache directory (set WFI_CACHE_DIR): %w", err)
	}
	return filepath.Join(dir, "workspace-flyte-integration"), nil
}

// moduleDir finds devcluster/controlplane in a parent of the working directory.
func moduleDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if module := filepath.Join(dir, "devcluster", "controlplane"); isModule(module) {
			return module, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("finding devcluster/controlplane: not in a parent of the working directory; run this from the checkout")
		}
	}
}

// Root is the directory of the checkout that this process was started in.
func Root() (string, error) {
	module, err := moduleDir()
	return filepath.Dir(filepath.Dir(module)), err
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
