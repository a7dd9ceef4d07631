package k3s

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func (t *Target) copyKubeconfig(ctx context.Context, step *progress.Step, h *host) error {
	text, err := h.Output(ctx, kubeconfigScript)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of %s: %w", h.name, err)
	}
	backup, err := mergeInto(t.o.Kubeconfig, []byte(text), t.o.Context, "https://"+t.o.Address)
	if err != nil {
		return err
	}
	step.Summarize("context %q in %s", t.o.Context, t.o.Kubeconfig)
	if backup != "" {
		step.Summarize("context %q in %s; the file before is %s", t.o.Context, t.o.Kubeconfig, backup)
	}
	return nil
}

// mergeInto adds the cluster of a kubeconfig of K3s to a file under a name. It keeps everything else in the file, and a copy of the file
// as it was, whose name it returns.
func mergeInto(path string, k3s []byte, name, server string) (backup string, err error) {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	after, err := merge(before, k3s, name, server)
	if err != nil || bytes.Equal(before, after) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	if before != nil {
		backup = fmt.Sprintf("%s.%s", path, time.Now().UTC().Format("20060102T150405.000"))
		if err := os.WriteFile(backup, before, 0o600); err != nil { //nolint:gosec // beside the file that the operator names
			return "", fmt.Errorf("copying the kubeconfig: %w", err)
		}
	}
	return backup, replaceFile(path, after)
}

// replaceFile writes a file that only its owner may read, all at once.
func replaceFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil { //nolint:gosec // beside the file that the operator names
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// merge adds the cluster, user and context of a kubeconfig of K3s under one name. It refuses to replace another cluster of that name.
func merge(existing, k3s []byte, name, server string) ([]byte, error) {
	into, err := clientcmd.Load(existing)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	cluster, user, err := currentCluster(k3s)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of K3s: %w", err)
	}
	if other := into.Clusters[name]; other != nil && other.Server != server {
		return nil, deploy.Failf(deploy.PreflightFailed, "the kubeconfig has another cluster %q, at %s: choose another name with --context",
			name, other.Server)
	}
	cluster.Server = server
	into.Clusters[name], into.AuthInfos[name] = cluster, user
	into.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	if into.CurrentContext == "" {
		into.CurrentContext = name
	}
	return clientcmd.Write(*into)
}

// currentCluster reads the cluster and the user of a kubeconfig's current context.
func currentCluster(kubeconfig []byte) (*api.Cluster, *api.AuthInfo, error) {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	current := config.Contexts[config.CurrentContext]
	if current == nil || config.Clusters[current.Cluster] == nil || config.AuthInfos[current.AuthInfo] == nil {
		return nil, nil, errors.New("it has no current context")
	}
	return config.Clusters[current.Cluster], config.AuthInfos[current.AuthInfo], nil
}

func hasContext(path, name string) (bool, error) {
	config, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return config.Contexts[name] != nil, nil
}

// removeContext takes away what mergeInto has added.
func removeContext(path, name string) error {
	config, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	delete(config.Clusters, name)
	delete(config.AuthInfos, name)
	delete(config.Contexts, name)
	if config.CurrentContext == name {
		config.CurrentContext = ""
	}
	text, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return replaceFile(path, text)
}
