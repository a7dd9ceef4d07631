package harness

import (
	"context"
	"os"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/kueue"
)

// StartKueue installs Kueue and returns when it is ready. It runs as long as the environment.
func (e *Env) StartKueue(ctx context.Context) (err error) {
	dir := filepath.Join(e.dir, "kueue")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if e.Kueue, err = kueue.Install(ctx, e.Cluster.Config(), dir); err != nil {
		return err
	}
	return e.Kueue.Start(ctx)
}
