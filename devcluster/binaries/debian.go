package binaries

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/child"
)

// debianPackages are runc, the CNI plugins and iptables, with the libraries that a minimal Debian lacks.
var debianPackages = []string{
	"runc", "libseccomp2", "containernetworking-plugins", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libmnl0",
	"libnetfilter-conntrack3", "libnfnetlink0", "nftables", "libnftables1", "libjansson4", "libgmp10", "libedit2", "libbsd0", "libmd0",
}

// unpackDebian downloads the packages and unpacks them into root. It uses lists and caches of its own: nothing of the machine changes.
func unpackDebian(ctx context.Context, root string) error {
	return fromDebian(ctx, func(apt debianArchive) error {
		if err := apt.get(ctx, append([]string{"download"}, debianPackages...)...); err != nil {
			return err
		}
		return apt.unpack(ctx, apt.downloads(), root)
	})
}

// debianArchive is a directory with lists of packages, and what is downloaded by them.
type debianArchive struct{ dir string }

// fromDebian calls use with an archive whose lists are new.
func fromDebian(ctx context.Context, use func(debianArchive) error) error {
	for _, program := range []string{"apt-get", "dpkg"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("unpacking packages of Debian or Ubuntu: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "wfi-debian-")
	if err != nil {
		return fmt.Errorf("creating a directory for packages: %w", err)
	}
	defer os.RemoveAll(dir)
	apt := debianArchive{dir}
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "packages"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("creating a directory for packages: %w", err)
		}
	}
	if err := apt.get(ctx, "update"); err != nil {
		return err
	}
	return use(apt)
}

// downloads are the packages that "download" has brought, and dependencies those that "install --download-only" has brought.
func (a debianArchive) downloads() string    { return filepath.Join(a.dir, "packages") }
func (a debianArchive) dependencies() string { return filepath.Join(a.dir, "cache", "archives") }

// get runs apt-get.
func (a debianArchive) get(ctx context.Context, args ...string) error {
	own := []string{
		"-o", "Dir::State::lists=" + filepath.Join(a.dir, "lists"), "-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1", "-q",
	}
	return runIn(ctx, a.downloads(), "apt-get", append(own, args...)...)
}

// unpack unpacks all packages of a directory into root.
func (debianArchive) unpack(ctx context.Context, packages, root string) error {
	files, err := filepath.Glob(filepath.Join(packages, "*.deb"))
	if err != nil {
		return fmt.Errorf("finding the packages: %w", err)
	}
	for _, file := range files {
		if err := runIn(ctx, packages, "dpkg", "-x", file, root); err != nil {
			return err
		}
	}
	return mergeUsr(ctx, root)
}

// mergeUsr moves what older packages have in /lib and /sbin to /usr, as Debian's merged /usr has it.
func mergeUsr(ctx context.Context, root string) error {
	for _, name := range []string{"bin", "lib", "sbin"} {
		old := filepath.Join(root, name)
		if _, err := os.Stat(old); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := runIn(ctx, root, "cp", "-a", old, filepath.Join(root, "usr")); err != nil {
			return err
		}
	}
	return nil
}

func runIn(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	text := &lastOutput{}
	cmd.Stdout, cmd.Stderr = text, text
	if err := child.Run(cmd); err != nil {
		return fmt.Errorf("running %s: %w\n%s", program, err, text)
	}
	return nil
}

// lastOutput keeps the end of what is written.
type lastOutput struct{ text []byte }

func (o *lastOutput) Write(text []byte) (int, error) {
	const most = 4096
	o.text = append(o.text, text...)
	o.text = o.text[max(0, len(o.text)-most):]
	return len(text), nil
}

func (o *lastOutput) String() string { return string(o.text) }
