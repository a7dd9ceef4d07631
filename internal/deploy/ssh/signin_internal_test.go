package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// passphrase is that of testdata/passphrase_key, which has one round of key derivation: the usual 16 take seconds with -race.
const passphrase, code = "correct horse", "424242"

// TestDial_SecondFactor signs in at a host that has a certificate of a known authority, with a key that has a passphrase, and then a code:
// each is asked for once, and the key that was given comes first.
func TestDial_SecondFactor(t *testing.T) {
	home := t.TempDir()
	text, err := os.ReadFile("testdata/passphrase_key.pub")
	must(t, err)
	user, _, _, _, err := ssh.ParseAuthorizedKey(text)
	must(t, err)
	authority, authorityKey := newKey(t)
	host, hostKey := newKey(t)
	address, tried := serve(t, certified(t, host, hostKey, authorityKey), user)
	writeKnownHosts(t, home, "@cert-authority "+bracketed(address)+" "+string(ssh.MarshalAuthorizedKey(authority)))

	var asked []string
	o := Options{Host: address, Name: "ops", Home: home, KeyFile: "testdata/passphrase_key", Secret: func(question string) (string, error) {
		asked = append(asked, question)
		if strings.HasPrefix(question, "Passphrase of ") {
			return passphrase, nil
		}
		return code, nil
	}}
	client, err := Dial(t.Context(), o)
	must(t, err)
	client.Close()
	if want := []string{"Passphrase of " + o.KeyFile + ": ", "Code: "}; !slices.Equal(asked, want) {
		t.Errorf("it asked for %q, want %q", asked, want)
	}
	if got := <-tried; !slices.Equal(got, []string{ssh.FingerprintSHA256(user)}) {
		t.Errorf("the host saw the keys %q", got)
	}

	o.Secret = nil // in a script
	if _, err := Dial(t.Context(), o); err == nil || !strings.Contains(err.Error(), "it has a passphrase: add it to the SSH agent") {
		t.Errorf("without a terminal: %v", err)
	}
	another, _ := newKey(t)
	writeKnownHosts(t, home, "@cert-authority "+bracketed(address)+" "+string(ssh.MarshalAuthorizedKey(another)))
	if _, err := Dial(t.Context(), o); !errors.Is(err, ErrHostKeyUnknown) && !errors.Is(err, ErrHostKeyChanged) {
		t.Errorf("a certificate of another authority: %v", err)
	}
}

// TestOptions_NamesAKeyOnADevice uses a file of `ssh-keygen -t ed25519-sk`, whose key is in a device.
func TestOptions_NamesAKeyOnADevice(t *testing.T) {
	text := pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("openssh-key-v1\x00 sk-ssh-ed25519@openssh.com")})
	_, err := (&Options{}).parseKey("id_ed25519_sk", text)
	if err == nil || !strings.Contains(err.Error(), "it is on a FIDO device, which only the SSH agent can ask: add it with ssh-add") {
		t.Errorf("it said %v", err)
	}
}

func newKey(t *testing.T) (ssh.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	key, err := ssh.NewPublicKey(public)
	must(t, err)
	return key, private
}

func writeKnownHosts(t *testing.T, home, line string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(home, ".ssh"), 0o700))
	must(t, os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), []byte(line), 0o600))
}

func bracketed(address string) string {
	name, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("[%s]:%s", name, port)
}

// certified is a host key with a certificate of an authority.
func certified(t *testing.T, public ssh.PublicKey, private, authority ed25519.PrivateKey) ssh.Signer {
	t.Helper()
	certificate := &ssh.Certificate{
		Key: public, CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: ssh.CertTimeInfinity,
	}
	by, err := ssh.NewSignerFromKey(authority)
	must(t, err)
	must(t, certificate.SignCert(rand.Reader, by))
	own, err := ssh.NewSignerFromKey(private)
	must(t, err)
	signer, err := ssh.NewCertSigner(certificate, own)
	must(t, err)
	return signer
}

// serve runs a host that wants the key and then the code. It sends which keys each connection has tried.
func serve(t *testing.T, host ssh.Signer, user ssh.PublicKey) (address string, tried <-chan []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	all := make(chan []string, 1)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go serveOne(connection, host, user, all)
		}
	}()
	return listener.Addr().String(), all
}

func serveOne(connection net.Conn, host ssh.Signer, user ssh.PublicKey, tried chan<- []string) {
	defer connection.Close()
	var keys []string
	record := func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if fingerprint := ssh.FingerprintSHA256(key); !slices.Contains(keys, fingerprint) {
			keys = append(keys, fingerprint)
		}
		if ssh.FingerprintSHA256(key) != ssh.FingerprintSHA256(user) {
			return nil, errors.New("another key")
		}
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
			KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				answers, err := ask("", "", []string{"Code: "}, []bool{false})
				if err != nil || !slices.Equal(answers, []string{code}) {
					return nil, errors.New("a wrong code")
				}
				return &ssh.Permissions{}, nil
			},
		}}
	}
	config := &ssh.ServerConfig{PublicKeyCallback: record} //nolint:gosec // it records keys for the test
	config.AddHostKey(host)
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	tried <- keys
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		_ = channel.Reject(ssh.Prohibited, "it only signs in")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
