package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Host keys that can't be trusted.
var (
	ErrHostKeyChanged = errors.New("the host key has changed")
	ErrHostKeyUnknown = errors.New("the host key is unknown")
)

// globalKnownHosts is the machine's own.
const globalKnownHosts = "/etc/ssh/ssh_known_hosts"

// verifyHostKey makes the client ask for the key types that are known of the host, so that a known host never looks changed, and verify
// the key that it answers.
func (o *Options) verifyHostKey(d *destination, config *ssh.ClientConfig) error {
	if o.hasGivenKey(d) {
		config.HostKeyCallback = o.verifyGiven(d)
		return nil
	}
	var files []string
	for _, file := range append(d.knownHosts, globalKnownHosts) {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return fmt.Errorf("reading known_hosts: %w", err)
	}
	if config.HostKeyAlgorithms = db.HostKeyAlgorithms(d.address); len(config.HostKeyAlgorithms) == 0 {
		config.HostKeyAlgorithms = slices.Concat(newHostTypes...) // of an unknown host
	}
	config.HostKeyCallback = o.verifyKnown(d, db.HostKeyCallback())
	return nil
}

// hasGivenKey says whether the user has given the fingerprint of a host's key.
func (o *Options) hasGivenKey(d *destination) bool {
	return len(o.HostKeys) > 0 && d.alias == hostOf(o.Host)
}

// verifyGiven accepts a key whose fingerprint the user has given.
func (o *Options) verifyGiven(d *destination) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if got := ssh.FingerprintSHA256(key); !slices.Contains(o.HostKeys, got) {
			return fmt.Errorf("%w: %s has the key %s, and --host-key is %s", ErrHostKeyChanged, d.alias, got, strings.Join(o.HostKeys, ", "))
		}
		return nil
	}
}

// verifyKnown accepts a key that known_hosts has, and asks about an unknown host.
func (o *Options) verifyKnown(d *destination, known ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(name string, remote net.Addr, key ssh.PublicKey) error {
		err := known(name, remote, key)
		switch {
		case knownhosts.IsHostKeyChanged(err):
			return fmt.Errorf("%w: %s now has the key %s. If you know that it was replaced, remove the old one with `ssh-keygen -R %s`",
				ErrHostKeyChanged, d.alias, ssh.FingerprintSHA256(key), d.alias)
		case knownhosts.IsHostUnknown(err):
			return o.trustNew(d, name, remote, key)
		case err != nil: // of a certificate
			return fmt.Errorf("%w: %s has a certificate that known_hosts does not accept: %w", ErrHostKeyUnknown, d.alias, err)
		}
		return nil
	}
}

// newHostTypes are the types of keys in the order in which OpenSSH asks a host that it does not know: people compare the fingerprint that
// ssh shows, too. Where only a fingerprint is given, which does not say of which type the key is, they are asked for one after the other.
var newHostTypes = [][]string{
	{ssh.KeyAlgoED25519}, {ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521}, {ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// keyTypes are the types of host keys to ask for; the first one that leads to a connection counts.
func (o *Options) keyTypes(d *destination, config *ssh.ClientConfig) [][]string {
	if o.hasGivenKey(d) {
		return newHostTypes
	}
	return [][]string{config.HostKeyAlgorithms}
}

// mayHaveAnotherKey says whether a host may have a key of another type that is the right one.
func mayHaveAnotherKey(err error) bool {
	var negotiation *ssh.AlgorithmNegotiationError
	return errors.Is(err, ErrHostKeyChanged) || errors.As(err, &negotiation)
}

func hostOf(host string) string {
	_, name, _ := split(host)
	return name
}

// trustNew asks about an unknown host, and remembers it.
func (o *Options) trustNew(d *destination, name string, remote net.Addr, key ssh.PublicKey) error {
	fingerprint := ssh.FingerprintSHA256(key)
	if o.ConfirmHostKey == nil || !o.ConfirmHostKey(d.alias, fingerprint) {
		return fmt.Errorf("%w: %s has the key %s. Compare it with the host's, then give --host-key %s", ErrHostKeyUnknown, d.alias, fingerprint,
			fingerprint)
	}
	path := d.knownHosts[0]
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("remembering the host key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("remembering the host key: %w", err)
	}
	defer file.Close()
	if err := knownhosts.WriteKnownHost(file, name, remote, key); err != nil {
		return fmt.Errorf("remembering the host key: %w", err)
	}
	return file.Close()
}
