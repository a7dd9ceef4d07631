package devcluster

import "time"

const etcdGrace = 5 * time.Second

func (c *Cluster) etcdFlags() []string {
	client, peer := "http://"+address(c.ports.etcd), "http://"+address(c.ports.etcdPeer)
	return []string{
		"--data-dir=" + c.state.path("etcd"),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		"--log-level=warn",
		"--unsafe-no-fsync", // the state need not survive the machine's crash
	}
}

func (c *Cluster) apiServerFlags() []string {
	key := c.state.path(serviceAccountKeyFile)
	flags := []string{
		"--etcd-servers=http://" + address(c.ports.etcd),
		"--bind-address=127.0.0.1",
		"--secure-port=" + port(c.ports.apiServer),
		"--advertise-address=127.0.0.1", // the default needs a network interface
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + c.state.path(servingCertFile),
		"--tls-private-key-file=" + c.state.path(servingKeyFile),
		"--token-auth-file=" + c.state.path(tokensFile),
		"--authorization-mode=RBAC",
		"--service-account-issuer=" + serviceAccountIssuer,
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
		"--service-cluster-ip-range=" + serviceClusterIPRange,
		"--allow-privileged=true",
		"--profiling=false",
	}
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
		"--secure-port=" + port(c.ports.controllerManager),
		"--tls-cert-file=" + c.state.path(servingCertFile),
		"--tls-private-key-file=" + c.state.path(servingKeyFile),
		"--service-account-private-key-file=" + c.state.path(serviceAccountKeyFile),
		"--root-ca-file=" + c.state.path(servingCertFile),
		"--leader-elect=false",
		"--profiling=false",
		"--controllers=*,-node-ipam-controller,-node-lifecycle-controller,-taint-eviction-controller," +
			"-ttl-controller,-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller",
		// The default of 20/s leaves ServiceAccounts and quota status minutes
		// behind when hundreds of namespaces are created at once.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}
