package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Name is the node's name.
const Name = "node"

// Addresses of the cluster. All are private: docs/security.md closes them to workspaces.
var (
	// Address is the node's own.
	Address = netip.MustParseAddr("172.31.255.1")
	// APIServer is the API server's, as the node and its pods see it.
	APIServer = netip.MustParseAddr("172.31.255.2")

	nodeIPv6  = netip.MustParseAddr("fd00:77::1")
	worldIPv6 = netip.MustParseAddr("fd00:77::2")
	podCIDR   = netip.MustParsePrefix("10.244.0.0/24")
	podCIDR6  = netip.MustParsePrefix("fd10:244::/64")
	dnsIP     = netip.MustParseAddr("10.0.0.10")
)

// config is what the node's processes are told, by a file in their directory.
type config struct {
	// Dir has the node's files, sockets and logs.
	Dir string `json:"dir"`
	// Programs is the directory of [binaries.Node].
	Programs string `json:"programs"`
	// Cgroup is the name of the node's cgroup in each hierarchy.
	Cgroup string `json:"cgroup"`
	// World are the addresses at which the world answers.
	World []netip.Addr `json:"world"`
	// Remove are directories to remove if this process is killed.
	Remove []string `json:"remove"`
}

// Names of files in the node's directory: this configuration, and the log of the node's own processes.
const (
	configFile = "config.json"
	logFile    = "node.log"
)

// Names of the sockets and directories in the node's directory.
const (
	nodeSocket       = "node.sock"      // CONNECT proxy in the node's network
	worldSocket      = "world.sock"     // CONNECT proxy in the world's network
	apiServerSocket  = "apiserver.sock" // forwards to the API server
	containerdSocket = "containerd.sock"
	privateDir       = "private" // a tmpfs that only the node sees
)

func (c *config) path(name string) string { return filepath.Join(c.Dir, name) }

func (c *config) private(name string) string { return filepath.Join(c.Dir, privateDir, name) }

func (c *config) program(name string) string { return filepath.Join(c.Programs, name) }

func (c *config) write() error {
	text, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(c.path(configFile), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the node's configuration: %w", err)
	}
	return nil
}

func readConfig(dir string) (*config, error) {
	text, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return nil, fmt.Errorf("reading the node's configuration: %w", err)
	}
	c := &config{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading the node's configuration: %w", err)
	}
	return c, nil
}
