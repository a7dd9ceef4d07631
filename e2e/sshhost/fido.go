//go:build linux

package sshhost

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// application is what OpenSSH calls the relying party of its FIDO keys.
const application = "ssh:"

// FIDO is an SSH agent with one key in a FIDO device, which signs as OpenSSH's PROTOCOL.u2f says.
type FIDO struct {
	agent.Agent // the methods that nobody here asks for

	// Socket is the agent's.
	Socket string
	// Public is the key.
	Public  ssh.PublicKey
	private ed25519.PrivateKey
	touched bool
}

// StartFIDO starts an agent, which ends with the test, and whose user touches the device when it signs, or not.
func StartFIDO(t *testing.T, touched bool) *FIDO {
	t.Helper()
	f := &FIDO{Agent: agent.NewKeyring(), Socket: filepath.Join(t.TempDir(), "agent"), touched: touched}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	harness.Must(t, err)
	f.private = private
	f.Public, err = ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, application}))
	harness.Must(t, err)
	listener, err := net.Listen("unix", f.Socket)
	harness.Must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(f, connection) }()
		}
	}()
	return f
}

// List implements [agent.Agent].
func (f *FIDO) List() ([]*agent.Key, error) {
	return []*agent.Key{{Format: f.Public.Type(), Blob: f.Public.Marshal(), Comment: "a device"}}, nil
}

// Sign implements [agent.Agent]: the device signs the hash of the application, its flags, its counter, and the hash of the data.
func (f *FIDO) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	if string(key.Marshal()) != string(f.Public.Marshal()) {
		return nil, errors.New("another key")
	}
	var flags byte
	if f.touched {
		flags = 1
	}
	state := binary.BigEndian.AppendUint32([]byte{flags}, 1)
	of, message := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	signed := append(append(of[:], state...), message[:]...)
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(f.private, signed), Rest: state}, nil
}
