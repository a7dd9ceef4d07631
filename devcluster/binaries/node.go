package binaries

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Names of the files in the directory of [Node].
const (
	Kubelet         = "kubelet"
	KubeProxy       = "kube-proxy"
	Containerd      = "containerd"
	ContainerdShim  = "containerd-shim-runc-v2"
	Ctr             = "ctr"
	CoreDNS         = "coredns"
	NetworkPolicies = "networkpolicies"
	Pause           = "pause"
	// DebianRoot is the directory of the unpacked Debian packages.
	DebianRoot = "debian"
)

const containerdModule = "github.com/containerd/containerd/v2"

// Node returns the directory with the programs of a real node: kubelet and kube-proxy of the control plane's version, containerd, an
// enforcer of NetworkPolicies and CoreDNS, and runc, CNI plugins and iptables from Debian packages, which are unpacked and not installed.
func Node(ctx context.Context, out io.Writer) (string, error) { return provide(ctx, out, node) }

func node(s source) set {
	own := "platform.company.com/workspace-flyte-integration/devcluster/node/programs/"
	return set{
		title: "the programs of a node (Kubernetes " + s.versions.kubernetes + ", containerd, CoreDNS)",
		path:  filepath.Join("node", s.versions.key()+"-"+s.nodeHash),
		files: []string{
			Kubelet, KubeProxy, Containerd, ContainerdShim, Ctr, CoreDNS, NetworkPolicies, Pause,
			debianFile("sbin", "runc"), debianFile("sbin", "iptables-nft"), debianFile("lib", "cni", "ptp"),
		},
		builds: []Build{
			{
				Name: "kubelet", Module: s.controlPlane, LinkerFlags: s.versions.linkerFlags(),
				Packages: []string{"k8s.io/kubernetes/cmd/kubelet", "k8s.io/kubernetes/cmd/kube-proxy"},
			},
			{
				Name: "node", Module: s.nodePrograms, LinkerFlags: "-s -w", Tags: "no_btrfs,no_zfs,no_devmapper,no_aufs",
				Packages: []string{
					containerdModule + "/cmd/containerd", containerdModule + "/cmd/containerd-shim-runc-v2", containerdModule + "/cmd/ctr",
					own + CoreDNS, own + NetworkPolicies, own + Pause,
				},
			},
		},
		finish: func(ctx context.Context, dir string) error { return unpackDebian(ctx, filepath.Join(dir, DebianRoot)) },
	}
}

func debianFile(parts ...string) string {
	return filepath.Join(append([]string{DebianRoot, "usr"}, parts...)...)
}

// hashModule is a hash of what a module of this repository builds: its requirements, its main packages, and the Debian packages.
func hashModule(module string) (string, error) {
	files, err := filepath.Glob(filepath.Join(module, "*", "*.go"))
	if err != nil {
		return "", fmt.Errorf("finding the sources in %s: %w", module, err)
	}
	slices.Sort(files)
	hash := sha256.New()
	for _, file := range append(files, filepath.Join(module, "go.mod")) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading the sources in %s: %w", module, err)
		}
		hash.Write(text)
	}
	hash.Write([]byte(strings.Join(debianPackages, " ")))
	return hex.EncodeToString(hash.Sum(nil)[:6]), nil
}
