package node

import (
	"encoding/json"
	"fmt"
	"os"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// Names of the configuration files in the node's directory.
const (
	containerdFile = "containerd.toml"
	kubeletFile    = "kubelet.json"
	kubeProxyFile  = "kube-proxy.json"
	cniDir         = "cni"
	resolvFile     = "resolv.conf"
)

const containerdFormat = `version = 3
root = %[1]q
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.erofs"]

[grpc]
address = %[2]q

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = %[4]q

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true # this process may lack CAP_SYS_RESOURCE

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = %[3]q

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = "/usr/sbin/runc"
SystemdCgroup = false
`

// writeFiles writes the configuration of the node's programs.
func (c *config) writeFiles() error {
	if err := os.MkdirAll(c.path(cniDir), 0o700); err != nil {
		return fmt.Errorf("creating the directory of the CNI configuration: %w", err)
	}
	containerd := fmt.Appendf(nil, containerdFormat, c.private("containerd"), c.path(containerdSocket), c.path(cniDir), PauseImage)
	files := map[string]any{
		containerdFile: containerd, kubeletFile: c.kubelet(), kubeProxyFile: c.kubeProxy(), cniDir + "/10-pods.conflist": cni(),
		resolvFile: []byte("nameserver 127.0.0.1\n"), // of pods that don't use the cluster's DNS
	}
	for name, content := range files {
		text, ok := content.([]byte)
		if !ok {
			var err error
			if text, err = json.Marshal(content); err != nil {
				return fmt.Errorf("writing %s: %w", name, err)
			}
		}
		if err := os.WriteFile(c.path(name), text, 0o600); err != nil {
			return fmt.Errorf("writing the node's files: %w", err)
		}
	}
	return nil
}

func (c *config) kubelet() map[string]any {
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"containerRuntimeEndpoint": "unix://" + c.path(containerdSocket),
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": c.path(devcluster.KubeletClientCA)},
		},
		"authorization": map[string]any{"mode": "Webhook"},
		"cgroupDriver":  "cgroupfs", "cgroupRoot": "/" + c.Cgroup, "failCgroupV1": false,
		"clusterDNS": []string{dnsIP.String()}, "clusterDomain": "cluster.local", "resolvConf": c.path(resolvFile),
		"podLogsDir": c.private("logs"), "volumePluginDir": c.private("plugins"),
		"oomScoreAdj": 0, "failSwapOn": false, "makeIPTablesUtilChains": false, "serializeImagePulls": false, "readOnlyPort": 0,
		// The disk and the memory are the machine's, on which other programs run.
		"evictionHard": map[string]string{
			"memory.available": "64Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%", "imagefs.available": "1%",
		},
		"imageGCHighThresholdPercent": 100,
	}
}

func (c *config) kubeProxy() map[string]any {
	return map[string]any{
		"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
		"mode": "nftables", "clusterCIDR": podCIDR.String(), "hostnameOverride": Name,
		"clientConnection":   map[string]any{"kubeconfig": c.path(devcluster.ProxyKubeconfig)},
		"conntrack":          map[string]any{"maxPerCore": 0, "min": 0}, // they are the machine's
		"oomScoreAdj":        0,
		"healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
	}
}

// cni routes pods, without a bridge: the kernel needs no br_netfilter.
func cni() map[string]any {
	return map[string]any{
		"cniVersion": "1.0.0", "name": "pods",
		"plugins": []map[string]any{{
			"type": "ptp", "ipMasq": false, "mtu": 1500,
			"ipam": map[string]any{
				"type": "host-local", "dataDir": "/run/cni",
				"ranges": [][]map[string]string{{{"subnet": podCIDR.String()}}, {{"subnet": podCIDR6.String()}}},
				"routes": []map[string]string{{"dst": "0.0.0.0/0"}, {"dst": "::/0"}},
			},
		}},
	}
}

// queue is the number of the netfilter queue that networkpolicies judges.
const queue = "98"

// commands are the node's programs in the order of their start.
func (c *config) commands() [][]string {
	return [][]string{
		{c.program(binaries.Containerd), "--config", c.path(containerdFile)},
		{
			c.program(binaries.NetworkPolicies), "--kubeconfig", c.path(devcluster.NetworkPoliciesKubeconfig),
			"--node", Name, "--queue", queue,
		},
		{
			c.program(binaries.Kubelet), "--config", c.path(kubeletFile), "--kubeconfig", c.path(devcluster.KubeletKubeconfig),
			"--root-dir", c.private("kubelet"), "--cert-dir", c.private("pki"), "--hostname-override", Name,
			"--node-ip", Address.String(),
		},
		{c.program(binaries.KubeProxy), "--config", c.path(kubeProxyFile)},
	}
}
