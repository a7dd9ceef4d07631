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

// Names of the files in the directory of [Nodes].
const (
	Scheduler  = "kube-scheduler"
	Kwok       = "kwok"
	KwokStages = "stages.yaml"
)

// ControlPlane returns the directory with etcd, kube-apiserver and kube-controller-manager of the pinned versions, and builds them first
// if the cache lacks them. The cache is $WFI_CACHE_DIR, or workspace-flyte-integration in the user's cache directory. The directory is
// always complete, and of several processes only one builds.
func ControlPlane(ctx context.Context, out io.Writer) (string, error) {
	return provide(ctx, out, controlPlane)
}

// Nodes is the same for kube-scheduler and kwok, which few tests need.
func Nodes(ctx context.Context, out io.Writer) (string, error) { return provide(ctx, out, nodes) }

// set is a set of files that are built and cached together.
type set struct {
	// title says what is built, in which versions.
	title string
	// path is the directory below the cache.
	path  string
	files []string
	// builds build the binaries, and finish makes the rest of the files. Both write into the directory that is given to finish.
	builds []Build
	finish func(ctx context.Context, dir string) error
}

func controlPlane(s source) set {
	return set{
		title: "etcd " + s.versions.etcd + " and Kubernetes " + s.versions.kubernetes,
		path:  filepath.Join("controlplane", s.versions.key()),
		files: []string{Etcd, APIServer, ControllerManager},
		builds: []Build{{
			Name: "control plane", Module: s.controlPlane, LinkerFlags: s.versions.linkerFlags(), Packages: []string{
				etcdModule, "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager",
			},
		}},
		finish: func(_ context.Context, dir string) error {
			// The main package of etcd is named after the last part of its path.
			if err := os.Rename(filepath.Join(dir, "server"), filepath.Join(dir, Etcd)); err != nil {
				return fmt.Errorf("naming etcd: %w", err)
			}
			return nil
		},
	}
}

func nodes(s source) set {
	return set{
		title: "kube-scheduler " + s.versions.kubernetes + " and kwok " + s.versions.kwok,
		path:  filepath.Join("nodes", s.versions.key()+"-kwok-"+s.versions.kwok),
		files: []string{Scheduler, Kwok, KwokStages},
		builds: []Build{
			{
				Name: "scheduler", Module: s.controlPlane, LinkerFlags: s.versions.linkerFlags(),
				Packages: []string{"k8s.io/kubernetes/cmd/kube-scheduler"},
			},
			{Name: "kwok", Module: s.kwok, LinkerFlags: "-s -w", Packages: []string{kwokModule + "/cmd/kwok"}},
		},
		finish: func(ctx context.Context, dir string) error {
			return writeStages(ctx, filepath.Join(dir, KwokStages), kwokModule+"@"+s.versions.kwok)
		},
	}
}

// provide returns the directory of a set, and builds the set first if the cache lacks it.
func provide(ctx context.Context, out io.Writer, describe func(source) set) (string, error) {
	progress, finish := progressOn(out)
	defer finish()
	from, err := findSource()
	if err != nil {
		return "", err
	}
	s := describe(from)
	c := cache{dir: filepath.Join(from.cache, s.path), names: s.files, progress: progress}
	return c.fill(ctx, func(dir string) error {
		how := "Building %s from source, once; %s keeps them.\n"
		if len(s.builds) == 0 {
			how = "Downloading %s, once; %s keeps it.\n"
		}
		fmt.Fprintf(progress, how, s.title, c.dir)
		for _, build := range s.builds {
			build.Dir = dir
			if err := build.Run(ctx, progress); err != nil {
				return err
			}
		}
		return s.finish(ctx, dir)
	})
}
