//go:build linux

package k3s

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// keys are those of all hosts and of the user.
type keys struct {
	dir         string
	user        []byte
	fingerprint string
}

func newKeys(t *testing.T) *keys {
	t.Helper()
	k := &keys{dir: t.TempDir()}
	for file, kind := range map[string]string{"host_ed25519": "ed25519", "host_rsa": "rsa", "user": "ed25519"} {
		generate := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", filepath.Join(k.dir, file))
		if text, err := generate.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, text)
		}
	}
	var err error
	k.user, err = os.ReadFile(filepath.Join(k.dir, "user"))
	harness.Must(t, err)
	k.fingerprint = ssh.FingerprintSHA256(k.public(t, "host_ed25519"))
	return k
}

func (k *keys) public(t *testing.T, file string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.dir, file+".pub"))
	harness.Must(t, err)
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	harness.Must(t, err)
	return key
}

// standInVersion is the version in the files of the stand-in.
const standInVersion = "v1.35.5+k3s1"

// kubeletCertificate is what K3s gives the kubelet of a node.
func kubeletCertificate(t *testing.T, node string) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	harness.Must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "system:node:" + node}}
	text, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	harness.Must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text})
}

// writeBundle writes the files of a release as another version: the stand-ins, and their checksums.
func writeBundle(t *testing.T, dir, version string) {
	t.Helper()
	var sums bytes.Buffer
	for _, name := range []string{"k3s", "install.sh"} {
		text, err := os.ReadFile(filepath.Join("testdata", "bundle", name))
		harness.Must(t, err)
		text = bytes.ReplaceAll(text, []byte(standInVersion), []byte(version))
		harness.Must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600)) //nolint:gosec // a directory of the test
		sum := sha256.Sum256(text)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	harness.Must(t, os.WriteFile(filepath.Join(dir, "sha256sum-amd64.txt"), sums.Bytes(), 0o600))
}

// imageTar is an image as `docker save` writes it, without layers.
func imageTar(arch string) []byte {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, f := range [][2]string{
		{"config.json", fmt.Sprintf(`{"architecture": %q, "os": "linux"}`, arch)},
		{"manifest.json", `[{"Config": "config.json", "RepoTags": ["integration:v1"], "Layers": []}]`},
	} {
		_ = archive.WriteHeader(&tar.Header{Name: f[0], Size: int64(len(f[1])), Mode: 0o600, Typeflag: tar.TypeReg})
		_, _ = archive.Write([]byte(f[1]))
	}
	_ = archive.Close()
	return out.Bytes()
}
