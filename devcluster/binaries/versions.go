package binaries

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const (
	kubernetesModule = "k8s.io/kubernetes"
	etcdModule       = "go.etcd.io/etcd/server/v3"
	kwokModule       = "sigs.k8s.io/kwok"
	kueueModule      = "sigs.k8s.io/kueue"
)

// versions are read from the go.mod files of the modules that are built, the only place where they are written.
type versions struct{ kubernetes, etcd, kwok, kueue string }

func readVersions(s source) (v versions, err error) {
	for _, read := range []struct {
		module, path string
		version      *string
	}{
		{s.controlPlane, kubernetesModule, &v.kubernetes},
		{s.controlPlane, etcdModule, &v.etcd},
		{s.kwok, kwokModule, &v.kwok},
		{s.kueue, kueueModule, &v.kueue},
	} {
		if *read.version, err = readVersion(read.module, read.path); err != nil {
			return versions{}, err
		}
	}
	return v, nil
}

// readVersion returns the version of path that the module requires.
func readVersion(module, path string) (string, error) {
	goMod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("reading the version of %s: %w", path, err)
	}
	line := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(path) + `\s+(v\S+)`)
	match := line.FindSubmatch(goMod)
	if match == nil {
		return "", fmt.Errorf("reading the version of %s: %s does not require it", path, module)
	}
	return string(match[1]), nil
}

// key names the cache directory of these versions on this platform.
func (v versions) key() string {
	return strings.Join([]string{v.kubernetes, v.etcd, runtime.GOOS, runtime.GOARCH}, "-")
}

// linkerFlags put the version into the binaries. Without them the API server reports v0.0.0, which kubectl and Helm can't work with.
func (v versions) linkerFlags() string {
	parts := strings.SplitN(strings.TrimPrefix(v.kubernetes, "v"), ".", 3)
	const variable = " -X k8s.io/component-base/version."
	return "-s -w" + variable + "gitVersion=" + v.kubernetes + variable + "gitMajor=" + parts[0] + variable + "gitMinor=" + parts[1]
}

// KubernetesVersion is the version of Kubernetes that [ControlPlane] builds, such as v1.36.3.
func KubernetesVersion() (string, error) {
	from, err := findSource()
	return from.versions.kubernetes, err
}
