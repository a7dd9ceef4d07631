package binaries

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Names of the files in the directory of [ControlPlane], as envtest's KUBEBUILDER_ASSETS has them.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

var controlPlane = []string{Etcd, APIServer, ControllerManager}

// ControlPlane returns the directory that holds etcd, kube-apiserver and kube-controller-manager of the pinned versions, and
// builds them first if the cache lacks them. The cache is $WFI_CACHE_DIR, or workspace-flyte-integration in the user's cache
// directory. The directory is complete: nobody sees an unfinished build, and of several processes one builds.
func ControlPlane(ctx context.Context, out io.Writer) (string, error) {
	progress, finish := progressOn(out)
	defer finish()
	from, err := findSource()
	if err != nil {
		return "", err
	}
	v := from.versions
	c := cache{dir: filepath.Join(from.cache, "controlplane", v.key()), names: controlPlane, progress: progress}
	return c.fill(ctx, func(dir string) error {
		fmt.Fprintf(progress, "Building etcd %s and Kubernetes %s from source, once; %s keeps them.\n", v.etcd, v.kubernetes, c.dir)
		build := Build{Name: "control plane", Module: from.module, LinkerFlags: v.linkerFlags(), Dir: dir, Packages: []string{
			"go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager",
		}}
		if err := build.Run(ctx, progress); err != nil {
			return err
		}
		// The main package of etcd is named after the last part of its path.
		if err := os.Rename(filepath.Join(dir, "server"), filepath.Join(dir, Etcd)); err != nil {
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
