package k3s

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// bundle are the files of a release of K3s, as its release page has them, and its installer.
type bundle struct {
	files []bundleFile
}

// bundleFile is a file with its checksum, and where it goes on the host.
type bundleFile struct{ path, sum, to, mode string }

const imagesDir = "/var/lib/rancher/k3s/agent/images"

// openBundle verifies the checksums of a bundle for an architecture, before anything is sent.
func openBundle(dir, arch string) (*bundle, error) {
	sums, err := readSums(filepath.Join(dir, "sha256sum-"+arch+".txt"))
	if err != nil {
		return nil, deploy.Failf(deploy.PreflightFailed, "reading the bundle: %w", err)
	}
	binary := map[string]string{"amd64": "k3s", "arm64": "k3s-arm64", "arm": "k3s-armhf"}[arch]
	b := &bundle{}
	if err := b.add(dir, binary, sums, bundleFile{to: "/usr/local/bin/k3s", mode: "755"}); err != nil {
		return nil, err
	}
	images, _ := filepath.Glob(filepath.Join(dir, "k3s-airgap-images-"+arch+".tar*")) // the pattern is a valid one
	for _, path := range images {
		name := filepath.Base(path)
		if err := b.add(dir, name, sums, bundleFile{to: imagesDir + "/" + name, mode: "600"}); err != nil {
			return nil, err
		}
	}
	err = b.addInstaller(dir)
	return b, err
}

// addInstaller adds the installer, for which the release has no checksum.
func (b *bundle) addInstaller(dir string) error {
	path := filepath.Join(dir, "install.sh")
	sum, err := checksum(path)
	if err != nil {
		return deploy.Failf(deploy.PreflightFailed, "reading the bundle: %w", err)
	}
	b.files = append(b.files, bundleFile{path: path, sum: sum, to: installPath, mode: "700"})
	return nil
}

func (b *bundle) add(dir, name string, sums map[string]string, f bundleFile) error {
	f.path = filepath.Join(dir, name)
	sum, err := checksum(f.path)
	switch {
	case err != nil:
		return deploy.Failf(deploy.PreflightFailed, "reading the bundle: %w", err)
	case sum != sums[name]:
		return deploy.Failf(deploy.PreflightFailed, "%s has another checksum than its release says: fetch it again", f.path)
	}
	f.sum = sum
	b.files = append(b.files, f)
	return nil
}

// readSums reads a file as sha256sum writes it.
func readSums(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sums := map[string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 {
			sums[strings.TrimPrefix(fields[1], "*")] = fields[0]
		}
	}
	if len(sums) == 0 && lines.Err() == nil {
		return nil, errors.New(path + " has no checksums")
	}
	return sums, lines.Err()
}

func checksum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// send copies the files that the host does not have yet.
func (b *bundle) send(ctx context.Context, step *progress.Step, h *host) error {
	for i, f := range b.files {
		step.Progress(i, len(b.files), "sending "+filepath.Base(f.path))
		there, err := h.Output(ctx, checksumScript, f.to)
		if err != nil {
			return fmt.Errorf("looking for %s: %w", f.to, err)
		}
		if strings.TrimSpace(there) == f.sum {
			continue
		}
		if err := f.send(ctx, step, h); err != nil {
			return err
		}
	}
	return nil
}

func (f *bundleFile) send(ctx context.Context, step *progress.Step, h *host) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := h.Script(ctx, putScript, file, step.Output, f.to, f.sum, f.mode); err != nil {
		return fmt.Errorf("sending %s: %w", f.path, err)
	}
	return nil
}
