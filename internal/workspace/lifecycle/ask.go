package lifecycle

import (
	"context"
	"errors"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

const (
	// flytePatience is how long a Reconcile waits for Flyte. A healthy one answers in milliseconds.
	flytePatience = 5 * time.Second
	// maxAsking is how many Reconciles ask Flyte at once. The other workers are never held by a Flyte that hangs, so
	// that access can be taken away meanwhile.
	maxAsking = workers / 2
	// turnPatience is how long a Reconcile waits for its turn to ask.
	turnPatience = time.Second
)

// errBusy: Flyte is slow, and enough others ask it now.
var errBusy = errors.New("enough others ask Flyte now")

// ensure makes Flyte's project as wanted, within a bounded time.
func (c *Controller) ensure(ctx context.Context, want flyte.Project) error {
	turn, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-turn.Done():
		return errBusy
	}
	ctx, cancelCall := context.WithTimeout(ctx, c.flytePatience)
	defer cancelCall()
	_, err := c.Projects.EnsureProject(ctx, want)
	return err
}
