package ssh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// authMethods are the keys in files, then those of the agent, so that a key that was given is not used up by the agent's; then what the
// host asks for, such as a code.
func (o *Options) authMethods(ctx context.Context, d *destination) (methods []ssh.AuthMethod, closeAgent func()) {
	closeAgent = func() {}
	var connection net.Conn
	if o.AgentSocket != "" {
		if c, err := (&net.Dialer{}).DialContext(ctx, "unix", o.AgentSocket); err == nil {
			connection, closeAgent = c, func() { _ = c.Close() }
		}
	}
	methods = append(methods, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		signers, err := o.fileSigners(d)
		if err != nil || connection == nil {
			return signers, err
		}
		more, err := agent.NewClient(connection).Signers()
		if err != nil && len(signers) == 0 {
			return nil, fmt.Errorf("reading the keys of the SSH agent: %w", err)
		}
		return append(signers, more...), nil
	}))
	if o.Secret != nil {
		methods = append(methods, ssh.KeyboardInteractive(o.answer))
	}
	return methods, closeAgent
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

func (o *Options) fileSigners(d *destination) (signers []ssh.Signer, err error) {
	for _, file := range d.keyFiles {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) && o.KeyFile == "" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the SSH key: %w", err)
		}
		signer, err := o.parseKey(file, text)
		switch {
		case err == nil:
			signers = append(signers, signer)
		case o.KeyFile != "":
			return nil, fmt.Errorf("reading the SSH key %s: %w", file, err)
		}
	}
	return signers, nil
}

func (o *Options) parseKey(file string, text []byte) (ssh.Signer, error) {
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
