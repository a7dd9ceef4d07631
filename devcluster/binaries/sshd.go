package binaries

import (
	"context"
	"io"
	"path/filepath"
	"runtime"
)

// SSHServerRoot returns a directory with the files of Debian's openssh-server, and of two login shells that differ from sh. They are
// unpacked into the cache and not installed.
func SSHServerRoot(ctx context.Context, out io.Writer) (string, error) {
	dir, err := provide(ctx, out, sshServer)
	return filepath.Join(dir, DebianRoot), err
}

func sshServer(source) set {
	return set{
		title: "openssh-server and shells from packages of Debian",
		path:  filepath.Join("sshd", runtime.GOARCH),
		files: []string{DebianRoot + "/usr/sbin/sshd", DebianRoot + "/bin/tcsh", DebianRoot + "/usr/bin/fish"},
		finish: func(ctx context.Context, dir string) error {
			return fromDebian(ctx, func(apt debianArchive) error {
				packages := []string{"openssh-server", "openssh-sftp-server", "libwrap0", "tcsh", "fish", "fish-common", "libpcre2-32-0"}
				if err := apt.get(ctx, append([]string{"download"}, packages...)...); err != nil {
					return err
				}
				return apt.unpack(ctx, apt.downloads(), filepath.Join(dir, DebianRoot))
			})
		},
	}
}
