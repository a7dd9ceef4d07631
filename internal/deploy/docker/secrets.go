package docker

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// The files that the service can't do without.
const (
	WebhookSecretFile = "webhook-secret"
	KubeconfigFile    = "kubeconfig"
)

// FileOf is the file of a variable of the service, such as flyte_client_secret of FLYTE_CLIENT_SECRET.
func FileOf(variable string) string { return strings.ToLower(variable) }

// variableOf is the variable that names a file of FileOf, or "".
func variableOf(file string) string {
	if file == WebhookSecretFile || file == KubeconfigFile {
		return ""
	}
	variable := strings.ToUpper(file)
	if named, ok := inFiles[variable]; ok {
		return named
	}
	return variable
}

// Kubeconfig reads a kubeconfig for the service: one context with all that it names in it. The container has neither programs for
// credentials nor files of this machine, and 127.0.0.1 is the container itself.
func Kubeconfig(path string) (string, error) {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return "", err
	}
	if err := clientcmdapi.MinifyConfig(config); err != nil {
		return "", err
	}
	if err := checkPortable(config); err != nil {
		return "", err
	}
	if err := clientcmd.ResolveLocalPaths(config); err != nil {
		return "", err
	}
	if err := clientcmdapi.FlattenConfig(config); err != nil {
		return "", err
	}
	text, err := clientcmd.Write(*config)
	return string(text), err
}

// checkPortable refuses what works on this machine alone.
func checkPortable(config *clientcmdapi.Config) error {
	for name, user := range config.AuthInfos {
		if user.Exec != nil || user.AuthProvider != nil {
			return fmt.Errorf("user %q gets credentials from a program, which the container lacks: use a token of the ServiceAccount", name)
		}
		if user.TokenFile != "" && user.Token == "" {
			return fmt.Errorf("user %q reads its token from a file, which the container lacks: write the token itself", name)
		}
	}
	for name, cluster := range config.Clusters {
		server, err := url.Parse(cluster.Server)
		if err != nil {
			return fmt.Errorf("cluster %q: %w", name, err)
		}
		if ip := net.ParseIP(server.Hostname()); server.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			return fmt.Errorf("cluster %q is at %s, which is the container itself in a container: use an address that the host reaches", name,
				cluster.Server)
		}
	}
	return nil
}

// toWrite are the files that are given and not there yet. A webhook secret is never replaced: that would refuse what senders sign.
func (op *operation) toWrite(there map[string][]byte) (map[string]string, error) {
	given := maps.Clone(op.o.Secrets)
	secret, isGiven := given[WebhookSecretFile]
	old := strings.Fields(string(there[WebhookSecretFile]))
	switch {
	case op.o.Rotate && !isGiven:
		return nil, deploy.Failf(deploy.PreflightFailed, "--rotate needs --webhook-secret-file: you could not read a new secret on the host")
	case !isGiven || len(old) == 0:
	case op.o.Rotate:
		given[WebhookSecretFile] = secret + "\n" + old[0]
	case slices.Contains(old, strings.TrimSpace(secret)):
		delete(given, WebhookSecretFile)
	default:
		return nil, deploy.Failf(deploy.PreflightFailed, "%s has another webhook secret: give --rotate to add this one", op.place())
	}
	return given, missing(there, given, op.place())
}

// writeSecrets writes files that are given. Without a file for one that the service needs, the one that is there stays.
func (op *operation) writeSecrets(ctx context.Context, step *progress.Step) error {
	there, err := op.readFiles(ctx, op.files, secretsPath)
	if err != nil {
		return err
	}
	given, err := op.toWrite(there)
	if err != nil {
		return err
	}
	if len(given) == 0 {
		step.Skip("%s has %s", op.place(), strings.Join(slices.Sorted(maps.Keys(there)), ", "))
		return nil
	}
	if err := op.writeFiles(ctx, op.files, secretFiles(given)...); err != nil {
		return fmt.Errorf("writing the secrets: %w", err)
	}
	step.Summarize("wrote %s into volume %q, readable by user %d alone; kubeconfig and certificates need a restart",
		strings.Join(slices.Sorted(maps.Keys(given)), ", "), op.volume(), ownerID)
	return nil
}

// secretFiles are files that the service alone reads.
func secretFiles(contents map[string]string) []file {
	files := []file{directory("secrets", ownerID)}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		files = append(files, file{name: "secrets/" + name, content: []byte(contents[name]), mode: 0o400, owner: ownerID})
	}
	return files
}

// missing names the flags of files that are neither there nor given.
func missing(there map[string][]byte, given map[string]string, place string) error {
	flags := []string{}
	for _, needed := range []struct{ file, flag string }{
		{WebhookSecretFile, "--webhook-secret-file"}, {KubeconfigFile, "--service-kubeconfig"},
	} {
		if _, ok := given[needed.file]; !ok && len(there[needed.file]) == 0 {
			flags = append(flags, needed.flag)
		}
	}
	if len(flags) == 0 {
		return nil
	}
	return deploy.Failf(deploy.PreflightFailed, "%s lacks secrets: run `deploy setup docker` with %s", place, strings.Join(flags, " and "))
}
