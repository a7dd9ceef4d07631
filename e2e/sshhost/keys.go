//go:build linux

package sshhost

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// Keys are those of all hosts and of the user ops.
type Keys struct {
	// User is the user's private key, and Fingerprint that of the hosts' ed25519 keys.
	User        []byte
	Fingerprint string

	dir string
}

// NewKeys makes keys.
func NewKeys(t *testing.T) *Keys {
	t.Helper()
	k := &Keys{dir: t.TempDir()}
	for file, kind := range map[string]string{"host_ed25519": "ed25519", "host_rsa": "rsa", "user": "ed25519"} {
		generate := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", filepath.Join(k.dir, file))
		if text, err := generate.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, text)
		}
	}
	var err error
	k.User, err = os.ReadFile(filepath.Join(k.dir, "user"))
	harness.Must(t, err)
	k.Fingerprint = ssh.FingerprintSHA256(k.Public(t, "host_ed25519"))
	return k
}

// Public is the public key "host_ed25519", "host_rsa" or "user".
func (k *Keys) Public(t *testing.T, file string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.dir, file+".pub"))
	harness.Must(t, err)
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	harness.Must(t, err)
	return key
}
