package k8s

import (
	"context"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// History implements [deploy.Historian].
func (t *Target) History(context.Context) ([]deploy.Revision, error) {
	all, err := t.history()
	if err != nil {
		return nil, err
	}
	revisions := []deploy.Revision{}
	for _, r := range all {
		known := "unknown"
		switch state, ours := rollOutOf(r); {
		case worked(r) && ours:
			known = "yes"
		case ours && state == rollOutBegun && r.Info.Status == "failed":
			known = "no"
		}
		revisions = append(revisions, deploy.Revision{
			Number: r.Version, Updated: r.Info.LastDeployed, State: string(r.Info.Status), Worked: known,
			Version: r.Chart.AppVersion(), Image: imageOf(r), Description: r.Info.Description,
		})
	}
	return revisions, nil
}
