package web

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"platform.company.com/workspace-flyte-integration/internal/rollout"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// rolloutPath is the page of the service's own roll-out.
const rolloutPath = "/ui/rollout"

// Rollout reads the roll-out of the service itself.
type Rollout struct {
	// Namespace is that of the service. A visitor needs the right to list pods there.
	Namespace string
	// Read returns the Deployment of the service with its pods and revisions, or the API server's error.
	Read func(context.Context) (*rollout.Rollout, error)
}

func (p *Page) loadRollout(ctx context.Context, v *visit) (content, error) {
	if err := newQuery(v.URL.Query()).err(); err != nil {
		return content{}, err
	}
	var found *rollout.Rollout
	err := p.api.readLive(ctx, func(ctx context.Context) (err error) {
		found, err = p.Rollout.Read(ctx)
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		const detail = "PAGE_ROLLOUT names no Deployment in the namespace of the service"
		return content{}, &workspace.Error{Kind: workspace.KindNotFound, Detail: detail}
	case err != nil:
		return content{}, unavailable(fmt.Errorf("reading the roll-out: %w", err))
	}
	shows := func(Change) bool { return false } // no change of a workspace or tier alters the page
	return content{title: "Roll-out", tab: "rollout", body: rolloutBody(v, found), shows: shows}, nil
}

// podHealth is the colour of a pod's state: good runs and is ready, busy begins or ends, bad has failed.
func podHealth(pod *rollout.Pod) string {
	ready, all, _ := strings.Cut(pod.Ready, "/")
	switch {
	case pod.State == "Running" && ready == all:
		return "good"
	case strings.HasSuffix(pod.State, "BackOff"), strings.Contains(pod.State, "Err"), strings.Contains(pod.State, "Kill"),
		strings.Contains(pod.State, "Failed"), pod.State == "Evicted", pod.State == "Unknown":
		return "bad"
	}
	return "busy"
}
