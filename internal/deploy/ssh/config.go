// Package ssh runs scripts on hosts over SSH, with verified host keys. It needs no ssh program, and follows the user's ~/.ssh/config.
package ssh

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	sshconfig "github.com/kevinburke/ssh_config"
)

// Options say which host is reached, and how.
type Options struct {
	// Host is a name or an alias of ~/.ssh/config. User, Port and KeyFile override that file.
	Host, User, Port, KeyFile string
	// HostKeys are fingerprints SHA256:…, of which the host must have one. Without them, known_hosts decides.
	HostKeys []string
	// Home is the user's home directory, and Name his name.
	Home, Name string
	// AgentSocket is that of the agent; it may be empty.
	AgentSocket string
	// ConfirmHostKey is asked about a host that is in no known_hosts. Without it, such a host is refused.
	ConfirmHostKey func(host, fingerprint string) bool
	// Secret returns a passphrase, password or code that is asked for. Without it, nothing that needs one works.
	Secret func(question string) (string, error)
}

const defaultPort = "22"

// destination is a host with everything that ~/.ssh/config says about it.
type destination struct {
	alias, address, user string
	keyFiles             []string
	knownHosts           []string
	jumps                []string
}

// resolve reads the user's configuration for a host, such as user@alias:port.
func (o *Options) resolve(host string) (*destination, error) {
	config, err := o.readConfig()
	if err != nil {
		return nil, err
	}
	user, host, port := split(host)
	get := func(key string) string {
		value, _ := config.Get(host, key) // a pattern that can't be read matches nothing
		return value
	}
	d := &destination{alias: host}
	d.user = cmp.Or(user, o.User, get("User"), o.Name)
	d.address = net.JoinHostPort(cmp.Or(get("HostName"), host), cmp.Or(port, o.Port, get("Port"), defaultPort))
	d.keyFiles = o.keyFiles(config, host)
	d.knownHosts = o.knownHosts(get("UserKnownHostsFile"))
	if jump := get("ProxyJump"); jump != "" && jump != "none" {
		d.jumps = strings.Split(jump, ",")
	}
	return d, nil
}

// split splits user@host:port.
func split(host string) (user, name, port string) {
	if i := strings.LastIndex(host, "@"); i >= 0 {
		user, host = host[:i], host[i+1:]
	}
	if name, port, err := net.SplitHostPort(host); err == nil {
		return user, name, port
	}
	return user, host, ""
}

func (o *Options) readConfig() (*sshconfig.Config, error) {
	path := filepath.Join(o.Home, ".ssh", "config")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &sshconfig.Config{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	config, err := sshconfig.DecodeBytes(text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return config, nil
}

// keyFiles are the key that was given, or those of the configuration and the usual ones.
func (o *Options) keyFiles(config *sshconfig.Config, host string) []string {
	if o.KeyFile != "" {
		return []string{o.KeyFile}
	}
	var files []string
	configured, _ := config.GetAll(host, "IdentityFile")
	for _, file := range append(configured, "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa") {
		files = append(files, o.expand(file))
	}
	return files
}

// knownHosts are the files of the configuration, or the usual one.
func (o *Options) knownHosts(configured string) (files []string) {
	for file := range strings.FieldsSeq(configured) {
		files = append(files, o.expand(file))
	}
	if len(files) == 0 {
		return []string{filepath.Join(o.Home, ".ssh", "known_hosts")}
	}
	return files
}

func (o *Options) expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(o.Home, rest)
	}
	return path
}
