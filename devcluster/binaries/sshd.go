package binaries

import (
	"context"
	"io"
	"path/filepath"
	"runtime"
)

// SSHServer is the path of Debian's sshd below the directory that [SSHServerRoot] returns.
const SSHServer = "usr/sbin/sshd"

// SSHServerRoot returns a directory with the files of Debian's openssh-server, which is unpacked into the cache and not installed.
func SSHServerRoot(ctx context.Context, out io.Writer) (string, error) {
	dir, err := provide(ctx, out, sshServer)
	return filepath.Join(dir, DebianRoot), err
}

func sshServer(source) set {
	return set{
		title: "openssh-server from packages of Debian",
		path:  filepath.Join("sshd", runtime.GOARCH),
		files: []string{DebianRoot + "/" + SSHServer},
		finish: func(ctx context.Context, dir string) error {
			return fromDebian(ctx, func(apt debianArchive) error {
				if err := apt.get(ctx, "download", "openssh-server", "openssh-sftp-server", "libwrap0"); err != nil {
					return err
				}
				return apt.unpack(ctx, apt.downloads(), filepath.Join(dir, DebianRoot))
			})
		},
	}
}
