package devcluster

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

// Config returns a fresh configuration of a cluster admin (group
// system:masters) without a client-side rate limit. The caller may change it.
func (c *Cluster) Config() *rest.Config { return c.config(c.tokens.admin) }

func (c *Cluster) config(token string) *rest.Config {
	return &rest.Config{
		Host:            "https://" + freeport.Address(c.ports.apiServer),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAData: append([]byte(nil), c.caPEM...)},
		QPS:             -1,
	}
}

// Kubeconfig returns the path of a kubeconfig file for the same admin as
// Config. It lies in the state directory.
func (c *Cluster) Kubeconfig() string { return c.state.path(kubeconfigFile) }

// AuditLogPath returns where the audit log is written, one JSON object a line.
// Without Options.AuditLog there is no such file.
func (c *Cluster) AuditLogPath() string { return c.state.path(auditLogFile) }

// WriteKubeconfig writes a kubeconfig file, readable by its owner alone, for a
// configuration that has its authority in CAData and a bearer token: that of a
// ServiceAccount, say, for a binary that is to run under it.
func WriteKubeconfig(path string, cfg *rest.Config) error {
	const name = "devcluster"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	file.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: cfg.BearerToken}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	file.CurrentContext = name
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
