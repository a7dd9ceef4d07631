package binaries

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// DockerEngine is the path of Debian's dockerd below the directory that [DockerEngineRoot] returns.
const DockerEngine = "usr/sbin/dockerd"

// DockerEngineRoot returns a directory with the files of Debian's Docker engine and what it needs, which are unpacked into the cache and
// not installed. The client is left out: what talks to the engine must not need it.
func DockerEngineRoot(ctx context.Context, out io.Writer) (string, error) {
	dir, err := provide(ctx, out, dockerEngine)
	return filepath.Join(dir, DebianRoot), err
}

func dockerEngine(source) set {
	return set{
		title: "the Docker engine from packages of Debian",
		path:  filepath.Join("docker", runtime.GOARCH),
		files: []string{DebianRoot + "/" + DockerEngine},
		finish: func(ctx context.Context, dir string) error {
			root := filepath.Join(dir, DebianRoot)
			err := fromDebian(ctx, func(apt debianArchive) error {
				packages := append([]string{"download", "docker.io", "containerd", "libdevmapper1.02.1"}, debianPackages...)
				if err := apt.get(ctx, packages...); err != nil {
					return err
				}
				return apt.unpack(ctx, apt.downloads(), root)
			})
			if err != nil {
				return err
			}
			return os.Remove(filepath.Join(root, "usr", "bin", "docker"))
		},
	}
}
