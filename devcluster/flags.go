package devcluster

import "strconv"

// etcd listens on sockets in the state directory. It is the working directory of etcd and the API server, so that the paths are short.
// The names look like host and port because etcd checks that.
const etcdSocket, etcdPeerSocket = "etcd:2379", "etcd:2380"

func (c *Cluster) etcdFlags() []string {
	return []string{
		"--data-dir=etcd",
		"--listen-client-urls=unix://" + etcdSocket,
		"--advertise-client-urls=unix://" + etcdSocket,
		"--listen-peer-urls=unix://" + etcdPeerSocket,
		"--initial-advertise-peer-urls=unix://" + etcdPeerSocket,
		"--initial-cluster=default=unix://" + etcdPeerSocket,
		"--log-level=warn",
		"--unsafe-no-fsync", // data need not survive a crash of the machine
	}
}

func (c *Cluster) apiServerFlags() []string {
	key := c.state.path(serviceAccountKeyFile)
	flags := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(c.ports.apiServer),
		"--advertise-address=127.0.0.1", // the default needs a network interface
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + c.state.path(servingCertFile),
		"--tls-private-key-file=" + c.state.path(servingKeyFile),
		"--token-auth-file=" + c.state.path(tokensFile),
		"--service-account-issuer=" + serviceAccountIssuer,
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
		"--service-cluster-ip-range=" + serviceClusterIPRange,
		"--allow-privileged=true",
		"--profiling=" + strconv.FormatBool(c.options.Profiling),
	}
	flags = append(flags, c.nodeFlags()...)
	if c.options.AuditLog {
		flags = append(flags,
			"--audit-policy-file="+c.state.path(auditPolicyFile),
			"--audit-log-path="+c.AuditLogPath(),
			"--audit-log-maxsize=10000") // MB: counting needs one file
	}
	return flags
}

func (c *Cluster) controllerManagerFlags() []string {
	return []string{
		"--kubeconfig=" + c.state.path(managerKubeconfigFile),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(c.ports.controllerManager),
		"--tls-cert-file=" + c.state.path(servingCertFile),
		"--tls-private-key-file=" + c.state.path(servingKeyFile),
		"--service-account-private-key-file=" + c.state.path(serviceAccountKeyFile),
		"--root-ca-file=" + c.state.path(servingCertFile),
		"--leader-elect=false",
		"--profiling=false",
		"--controllers=" + c.controllers(),
		// With the default of 20/s, ServiceAccounts and quota status lag by minutes after hundreds of namespaces are created at once.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

// controllers leaves out those for volumes and, without nodes, those for nodes.
func (c *Cluster) controllers() string {
	controllers := "*,-node-ipam-controller,-ttl-controller,-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller"
	if c.options.Nodes == 0 && c.options.Node == nil {
		controllers += ",-node-lifecycle-controller,-taint-eviction-controller"
	}
	return controllers
}
