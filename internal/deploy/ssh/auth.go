package ssh

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// ErrKey says that a private key can't be used as it is.
var ErrKey = errors.New("the SSH key can't be used")

// authMethods are the keys in files, then those of the agent, so that a key that was given is not used up by the agent's; then what the
// host asks for, such as a code.
func (o *Options) authMethods(ctx context.Context, d *destination) (methods []ssh.AuthMethod, closeAgent func()) {
	connection, closeAgent := o.dialAgent(ctx)
	methods = append(methods, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		held, agentErr := heldBy(connection)
		signers, err := o.fileSigners(d, held)
		switch {
		case err != nil:
			return nil, err
		case agentErr != nil && len(signers) == 0:
			return nil, fmt.Errorf("reading the keys of the SSH agent: %w", agentErr)
		}
		return append(signers, held...), nil
	}))
	if o.Secret != nil {
		methods = append(methods, ssh.KeyboardInteractive(o.answer))
	}
	return methods, closeAgent
}

// dialAgent connects to the agent. Without one that answers, the connection is nil.
func (o *Options) dialAgent(ctx context.Context) (connection net.Conn, closeAgent func()) {
	if o.AgentSocket != "" {
		if c, err := (&net.Dialer{}).DialContext(ctx, "unix", o.AgentSocket); err == nil {
			return c, func() { _ = c.Close() }
		}
	}
	return nil, func() {}
}

// answer answers the questions of the host, one after the other.
func (o *Options) answer(_, _ string, questions []string, _ []bool) (answers []string, err error) {
	for _, question := range questions {
		answer, err := o.Secret(question)
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// heldBy are the keys of the agent, if there is one.
func heldBy(connection net.Conn) ([]ssh.Signer, error) {
	if connection == nil {
		return nil, nil
	}
	return agent.NewClient(connection).Signers()
}

func (o *Options) fileSigners(d *destination, held []ssh.Signer) (signers []ssh.Signer, err error) {
	if o.KeyFile != "" {
		signer, err := o.givenSigner(held)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKey, o.KeyFile, err)
		}
		return []ssh.Signer{signer}, nil
	}
	for _, file := range d.keyFiles {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		if signer, err := o.parseKey(file, text); err == nil {
			signers = append(signers, signer)
		}
	}
	return signers, nil
}

// givenSigner is the key that was given: the agent's, if it holds it. So a passphrase is asked for once a day, and a FIDO key works.
func (o *Options) givenSigner(held []ssh.Signer) (ssh.Signer, error) {
	text, err := os.ReadFile(o.KeyFile)
	if err != nil {
		return nil, err
	}
	public, isPublic := publicKey(o.KeyFile, text)
	for _, signer := range held {
		if public != nil && bytes.Equal(signer.PublicKey().Marshal(), public.Marshal()) {
			return signer, nil
		}
	}
	if isPublic {
		return nil, errors.New("it is a public key, and the SSH agent has no private key to it")
	}
	return o.parseKey(o.KeyFile, text)
}

// publicKey is the key itself if it is a public one, or that of the file beside it.
func publicKey(file string, text []byte) (public ssh.PublicKey, isPublic bool) {
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return public, true
	}
	if text, err := os.ReadFile(file + ".pub"); err == nil {
		public, _, _, _, _ = ssh.ParseAuthorizedKey(text)
	}
	return public, false
}

func (o *Options) parseKey(file string, text []byte) (ssh.Signer, error) {
	if onDevice(text) {
		return nil, errors.New("it is on a FIDO device, which only the SSH agent can ask: add it with ssh-add")
	}
	signer, err := ssh.ParsePrivateKey(text)
	if _, encrypted := errors.AsType[*ssh.PassphraseMissingError](err); !encrypted {
		return signer, err
	}
	if o.Secret == nil || o.KeyFile == "" {
		return nil, errors.New("it has a passphrase: add it to the SSH agent, or give it with --ssh-key on a terminal")
	}
	passphrase, err := o.Secret("Passphrase of " + file + ": ")
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase))
}

// onDevice says whether a private key's file is only the handle of a key in a FIDO device (OpenSSH's PROTOCOL.u2f). Its type stands there
// in clear, also with a passphrase.
func onDevice(text []byte) bool {
	block, _ := pem.Decode(text)
	if block == nil {
		return false
	}
	return bytes.Contains(block.Bytes, []byte(ssh.KeyAlgoSKED25519)) || bytes.Contains(block.Bytes, []byte(ssh.KeyAlgoSKECDSA256))
}
