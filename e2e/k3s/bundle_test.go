//go:build linux

package k3s

import (
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
	"path/filepath"
	"testing"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

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
