// Package charts holds the Helm chart, so that what deploys it carries it along.
package charts

import (
	"embed"
	"io/fs"
)

//go:embed all:workspace-flyte-integration
var files embed.FS

// WorkspaceFlyteIntegration returns the files of the chart workspace-flyte-integration, with Chart.yaml at the root.
func WorkspaceFlyteIntegration() (fs.FS, error) {
	return fs.Sub(files, "workspace-flyte-integration")
}
