// Package deploy installs the chart: it renders it with Helm's own library and applies the objects to a cluster.
package deploy

import (
	"cmp"
	"fmt"
	"io/fs"

	"helm.sh/helm/v4/pkg/chart/common"
	valuesutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/charts"
	"platform.company.com/workspace-flyte-integration/internal/crd"
)

// DefaultKubeVersion is the version of Kubernetes that the chart is rendered for when Options names none.
const DefaultKubeVersion = "v1.36.0"

// Options configure a release of the chart.
type Options struct {
	// Release is the name of the release; empty means the chart's name.
	Release string
	// Namespace is where the release's namespaced objects go. It is required.
	Namespace string
	// Values override the chart's own, key by key.
	Values map[string]any
	// KubeVersion is the version of the cluster; empty means DefaultKubeVersion.
	KubeVersion string
	// APIVersions are what the cluster serves besides Kubernetes' own, such as "security.openshift.io/v1".
	APIVersions []string
}

// Render returns the objects of a release in the order in which they can be applied: the chart's CRDs, then the templates as
// `helm template` prints them, without hooks.
// Values are checked against the chart's schema; errors name the value.
func Render(o Options) ([]*unstructured.Unstructured, error) {
	files, err := render(o)
	if err != nil {
		return nil, fmt.Errorf("rendering the chart: %w", err)
	}
	objects, err := inOrder(files)
	if err != nil {
		return nil, err
	}
	if o.Values["install"] == "service" { // in a cluster without workspaces
		return objects, nil
	}
	crds, err := crd.Embedded()
	if err != nil {
		return nil, fmt.Errorf("reading the chart's CRDs: %w", err)
	}
	return append(crds, objects...), nil
}

// RenderChart returns what the templates of another chart render, in the order in which it can be applied.
func RenderChart(c *chart.Chart, o Options) ([]*unstructured.Unstructured, error) {
	files, err := renderTemplates(c, o)
	if err != nil {
		return nil, fmt.Errorf("rendering the chart %s: %w", c.Name(), err)
	}
	return inOrder(files)
}

// render returns the rendered templates of the service's chart by path.
func render(o Options) (map[string]string, error) {
	c, err := Chart()
	if err != nil {
		return nil, err
	}
	return renderTemplates(c, o)
}

func renderTemplates(c *chart.Chart, o Options) (map[string]string, error) {
	release := common.ReleaseOptions{Name: cmp.Or(o.Release, c.Name()), Namespace: o.Namespace, Revision: 1, IsInstall: true}
	if err := check(release); err != nil {
		return nil, err
	}
	capabilities, err := capabilitiesOf(cmp.Or(o.KubeVersion, DefaultKubeVersion), c.Metadata.KubeVersion)
	if err != nil {
		return nil, err
	}
	capabilities.APIVersions = append(capabilities.APIVersions, o.APIVersions...)
	values, err := valuesutil.ToRenderValues(c, o.Values, release, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, values)
}

// Chart loads the embedded chart.
func Chart() (*chart.Chart, error) {
	files, err := charts.WorkspaceFlyteIntegration()
	if err != nil {
		return nil, err
	}
	var buffered []*archive.BufferedFile
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		buffered = append(buffered, &archive.BufferedFile{Name: path, Data: data})
		return err
	})
	if err != nil {
		return nil, err
	}
	return loader.LoadFiles(buffered)
}

func check(release common.ReleaseOptions) error {
	if err := chartutil.ValidateReleaseName(release.Name); err != nil {
		return fmt.Errorf("release %q: %w", release.Name, err)
	}
	if release.Namespace == "" {
		return fmt.Errorf("release %q: a namespace is required", release.Name)
	}
	return nil
}

// capabilitiesOf returns Helm's description of a cluster of that version. It fails if the chart does not support the version.
func capabilitiesOf(version, constraint string) (*common.Capabilities, error) {
	kubeVersion, err := common.ParseKubeVersion(version)
	if err != nil {
		return nil, fmt.Errorf("reading the Kubernetes version %q: %w", version, err)
	}
	if constraint != "" && !chartutil.IsCompatibleRange(constraint, kubeVersion.String()) {
		return nil, fmt.Errorf("the chart needs Kubernetes %s, and this is %s", constraint, version)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kubeVersion
	return capabilities, nil
}
