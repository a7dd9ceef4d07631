package devcluster

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/rest"
)

// NodeAccess connects the control plane with a real node that has a network of its own; package node starts it.
type NodeAccess struct {
	// NodeName is the node's name.
	NodeName string
	// APIServer is the address at which the node's network reaches the API server, at [APIServerNodePort].
	APIServer net.IP
	// Proxy is the unix socket of an HTTP CONNECT proxy in the node's network: the API server reaches kubelets and webhooks through it.
	Proxy string
}

// APIServerNodePort is the API server's port in the node's network, one of those that the chart's NetworkPolicy opens.
const APIServerNodePort = 6443

// Names of the files that [Cluster.WriteNodeFiles] writes.
const (
	KubeletKubeconfig         = "kubelet.kubeconfig"
	ProxyKubeconfig           = "kube-proxy.kubeconfig"
	NetworkPoliciesKubeconfig = "networkpolicies.kubeconfig"
	KubeletClientCA           = "kubelet-client-ca.crt"
)

const (
	kubeletClientCertFile = "kubelet-client.crt"
	kubeletClientKeyFile  = "kubelet-client.key"
	egressFile            = "egress.yaml"
	kubeProxyUser         = "system:kube-proxy"
	nodeUserPrefix        = "system:node:"
	nodesGroup            = "system:nodes"
)

// serviceIP is the cluster IP of the Service "kubernetes", the first one of serviceClusterIPRange.
var serviceIP = net.IPv4(10, 0, 0, 1)

const egressFormat = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport: {uds: {udsName: %q}}
`

// nodeFiles are the files that the API server needs besides, if there is a real node.
func (o Options) nodeFiles() (map[string][]byte, error) {
	if o.Node == nil {
		return nil, nil
	}
	cert, key, err := newClientCert("kube-apiserver", clusterAdminGroup)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		kubeletClientCertFile: cert, kubeletClientKeyFile: key, egressFile: fmt.Appendf(nil, egressFormat, o.Node.Proxy),
	}, nil
}

// nodeFlags are the API server's flags for a real node.
func (c *Cluster) nodeFlags() []string {
	if c.options.Node == nil {
		return []string{"--authorization-mode=RBAC"}
	}
	return []string{
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--kubelet-client-certificate=" + c.state.path(kubeletClientCertFile),
		"--kubelet-client-key=" + c.state.path(kubeletClientKeyFile),
		"--kubelet-preferred-address-types=InternalIP",
		"--egress-selector-config-file=" + c.state.path(egressFile),
	}
}

// servingAddresses are the addresses of the API server besides 127.0.0.1.
func (o Options) servingAddresses() []net.IP {
	if o.Node == nil {
		return nil
	}
	return []net.IP{serviceIP, o.Node.APIServer}
}

// WriteNodeFiles writes the credentials of the node's programs into dir.
func (c *Cluster) WriteNodeFiles(dir string) error {
	node := c.options.Node
	for file, token := range map[string]string{
		KubeletKubeconfig: c.tokens.kubelet, ProxyKubeconfig: c.tokens.kubeProxy, NetworkPoliciesKubeconfig: c.tokens.admin,
	} {
		cfg := rest.AnonymousClientConfig(c.config(token))
		cfg.BearerToken = token
		cfg.Host = "https://" + net.JoinHostPort(node.APIServer.String(), strconv.Itoa(APIServerNodePort))
		if err := WriteKubeconfig(filepath.Join(dir, file), cfg); err != nil {
			return err
		}
	}
	ca, err := os.ReadFile(c.state.path(kubeletClientCertFile))
	if err != nil {
		return fmt.Errorf("reading the CA of the kubelet's clients: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, KubeletClientCA), ca, 0o600); err != nil {
		return fmt.Errorf("writing the CA of the kubelet's clients: %w", err)
	}
	return nil
}
