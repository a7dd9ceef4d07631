package binaries

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// versions are read from controlplane/go.mod, the one place where they are
// written. (It can't be embedded: it belongs to another module.)
type versions struct{ kubernetes, etcd string }

func readVersions(module string) (versions, error) {
	text, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return versions{}, fmt.Errorf("reading the control plane's module: %w", err)
	}
	v := versions{
		kubernetes: required(string(text), "k8s.io/kubernetes"),
		etcd:       required(string(text), "go.etcd.io/etcd/server/v3"),
	}
	if v.kubernetes == "" || v.etcd == "" {
		return versions{}, fmt.Errorf("reading the control plane's module: no version of Kubernetes or etcd in %s", module)
	}
	return v, nil
}

func required(goMod, path string) string {
	line := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(path) + `\s+(v\S+)`)
	match := line.FindStringSubmatch(goMod)
	if match == nil {
		return ""
	}
	return match[1]
}

// key names the cache directory of these versions on this platform.
func (v versions) key() string {
	return strings.Join([]string{v.kubernetes, v.etcd, runtime.GOOS, runtime.GOARCH}, "-")
}

// linkerFlags put the version into the binaries: without it the API server
// calls itself v0.0.0, which kubectl and Helm can't work with.
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

// kwokVersion is read from kwok/go.mod, beside controlplane.
func kwokVersion(module string) (string, error) {
	text, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("reading kwok's module: %w", err)
	}
	v := required(string(text), kwokModule)
	if v == "" {
		return "", fmt.Errorf("reading kwok's module: no version of %s in %s", kwokModule, module)
	}
	return v, nil
}

// moduleDir finds devcluster/controlplane in a parent of the working directory
// (a test's is its package's), else beside the sources this was compiled from.
func moduleDir() (string, error) {
	if dir, err := os.Getwd(); err == nil {
		for ; ; dir = filepath.Dir(dir) {
			if module := filepath.Join(dir, "devcluster", "controlplane"); isModule(module) {
				return module, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	_, source, _, _ := runtime.Caller(0)
	if module := filepath.Join(filepath.Dir(filepath.Dir(source)), "controlplane"); isModule(module) {
		return module, nil
	}
	return "", errors.New("finding devcluster/controlplane: not in a parent of the working directory; run this from the checkout")
}

// Root is the directory of the checkout that this process was started in, or was built from.
func Root() (string, error) {
	module, err := moduleDir()
	return filepath.Dir(filepath.Dir(module)), err
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
