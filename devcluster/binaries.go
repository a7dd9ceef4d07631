package devcluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Names of the binaries in the cache, as envtest's KUBEBUILDER_ASSETS has them.
const (
	etcdBinary              = "etcd"
	apiServerBinary         = "kube-apiserver"
	controllerManagerBinary = "kube-controller-manager"
)

var binaryNames = []string{etcdBinary, apiServerBinary, controllerManagerBinary}

// Binaries returns the directory that holds etcd, kube-apiserver and
// kube-controller-manager of the pinned versions, and builds them first where
// the cache lacks them; progress says what a build does, nil is silent. The cache is
// $WFI_CACHE_DIR, else workspace-flyte-integration in the user's cache
// directory. What it returns is complete: a build that did not end is never
// seen, and callers in several processes build once.
func Binaries(ctx context.Context, progress io.Writer) (string, error) {
	if progress == nil {
		progress = io.Discard
	}
	from, err := findSource()
	if err != nil {
		return "", err
	}
	v := from.versions
	c := cache{dir: filepath.Join(from.cache, "controlplane", v.key()), names: binaryNames, progress: progress}
	return c.fill(ctx, func(dir string) error {
		fmt.Fprintf(progress, "building etcd %s and Kubernetes %s from source, once (minutes when nothing is cached)\n", v.etcd, v.kubernetes)
		build := goBuild{module: from.module, linkerFlags: v.linkerFlags(), progress: progress, packages: []string{
			"go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager",
		}}
		if err := build.run(ctx, dir); err != nil {
			return err
		}
		// The main package of etcd is named after the last part of its path.
		if err := os.Rename(filepath.Join(dir, "server"), filepath.Join(dir, etcdBinary)); err != nil {
			return fmt.Errorf("naming etcd: %w", err)
		}
		return nil
	})
}

// source is what the binaries are built of, and where they are kept.
type source struct {
	module   string // the directory of devcluster/controlplane
	versions versions
	cache    string
}

func findSource() (s source, err error) {
	if s.module, err = moduleDir(); err != nil {
		return s, err
	}
	if s.versions, err = readVersions(s.module); err != nil {
		return s, err
	}
	s.cache, err = cacheRoot()
	return s, err
}

func cacheRoot() (string, error) {
	if dir := os.Getenv("WFI_CACHE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a cache directory (set WFI_CACHE_DIR): %w", err)
	}
	return filepath.Join(dir, "workspace-flyte-integration"), nil
}

// cache is one directory that is either absent or complete.
type cache struct {
	dir      string
	names    []string // of the files that make it complete
	progress io.Writer
}

// fill returns the directory once it is complete. build writes into a directory
// beside it that takes its name when all is there.
func (c cache) fill(ctx context.Context, build func(dir string) error) (string, error) {
	if c.complete(c.dir) {
		return c.dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o755); err != nil {
		return "", fmt.Errorf("creating the cache: %w", err)
	}
	lock, err := waitLock(ctx, c.dir+".lock", func() {
		fmt.Fprintln(c.progress, "waiting for another process that builds the control plane")
	})
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if c.complete(c.dir) { // another process was faster
		return c.dir, nil
	}
	return c.dir, c.replace(build)
}

// replace is called under the lock, so what lies around is of the dead.
func (c cache) replace(build func(dir string) error) error {
	building := c.dir + ".building"
	for _, dir := range []string{building, c.dir} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing an unfinished build: %w", err)
		}
	}
	if err := os.Mkdir(building, 0o755); err != nil {
		return fmt.Errorf("creating the cache: %w", err)
	}
	defer os.RemoveAll(building)
	if err := build(building); err != nil {
		return fmt.Errorf("building the control plane: %w", err)
	}
	if !c.complete(building) {
		return fmt.Errorf("building the control plane: %s lacks one of %v", building, c.names)
	}
	if err := os.Rename(building, c.dir); err != nil {
		return fmt.Errorf("keeping the build: %w", err)
	}
	return nil
}

func (c cache) complete(dir string) bool {
	for _, name := range c.names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Mode()&0o100 == 0 {
			return false
		}
	}
	return true
}
