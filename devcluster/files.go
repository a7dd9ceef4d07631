package devcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// Names of the files in the state directory.
const (
	kubeconfigFile           = "kubeconfig"
	managerKubeconfigFile    = "kube-controller-manager.kubeconfig"
	tokensFile               = "tokens.csv"
	servingCertFile          = "serving.crt"
	servingKeyFile           = "serving.key"
	serviceAccountKeyFile    = "service-account.key"
	auditLogFile             = "audit.log"
	auditPolicyFile          = "audit-policy.yaml"
	serviceClusterIPRange    = "10.0.0.0/24"
	serviceAccountIssuer     = "https://kubernetes.default.svc"
	adminUser                = "devcluster-admin"
	controllerManagerUser    = "system:kube-controller-manager"
	clusterAdminGroup        = "system:masters"
	auditPolicyMetadataLevel = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`
)

// writeFiles writes the components' files. It keeps an existing key of the ServiceAccounts, so that their tokens survive a restart.
func (c *Cluster) writeFiles() error {
	var err error
	if c.tokens, err = newTokens(c.options.Token, c.options.Node); err != nil {
		return err
	}
	cert, key, err := newServingCert(c.options.servingAddresses()...)
	if err != nil {
		return err
	}
	c.caPEM = cert
	files := map[string][]byte{
		tokensFile:      c.tokens.csv(),
		servingCertFile: cert,
		servingKeyFile:  key,
		auditPolicyFile: []byte(auditPolicyMetadataLevel),
	}
	ofNode, err := c.options.nodeFiles()
	if err != nil {
		return err
	}
	maps.Copy(files, ofNode)
	if _, err := os.Stat(c.state.path(serviceAccountKeyFile)); err != nil {
		if files[serviceAccountKeyFile], err = newKey(); err != nil {
			return err
		}
	}
	return c.state.write(files)
}

// write replaces the files and removes the logs and sockets of an earlier run.
func (s *state) write(files map[string][]byte) error {
	logs, _ := filepath.Glob(s.path("*.log"))
	for _, old := range append(logs, s.path(etcdSocket), s.path(etcdPeerSocket)) {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the files of an earlier run: %w", err)
		}
	}
	var failed []error
	for name, content := range files {
		failed = append(failed, os.WriteFile(s.path(name), content, 0o600))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("writing the control plane's files: %w", err)
	}
	return nil
}

// csv is the content of the API server's token file: token, user, uid, groups.
func (t tokens) csv() []byte {
	line := func(token, user, group string) string {
		return token + "," + user + "," + user + "," + group + "\n"
	}
	text := line(t.admin, adminUser, clusterAdminGroup) + line(t.controllerManager, controllerManagerUser, clusterAdminGroup)
	if t.node != "" {
		text += line(t.kubelet, nodeUserPrefix+t.node, nodesGroup) + line(t.kubeProxy, kubeProxyUser, "")
	}
	return []byte(text)
}
