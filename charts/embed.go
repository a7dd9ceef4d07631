// Package charts holds the Helm chart, so that what deploys it carries it along.
package charts

import (
	"embed"
	"io/fs"
)

//go:embed all:workspace-flyte-integration
var files embed.FS

//go:embed workspace-flyte-integration/crds/*.yaml
var crds embed.FS

// CRDs returns the files of the chart's CRDs.
func CRDs() (fs.FS, error) {
	return fs.Sub(crds, "workspace-flyte-integration/crds")
}

// WorkspaceFlyteIntegration returns the files of the chart workspace-flyte-integration, with Chart.yaml at the root.
func WorkspaceFlyteIntegration() (fs.FS, error) {
	return fs.Sub(files, "workspace-flyte-integration")
}
