package main

import (
	"context"
	"fmt"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/web"
)

// queues are Kueue's, for the read API.
type queues struct {
	*k8s.Optional

	rest rest.Interface
}

// readQueues returns nil without QUEUES_ENABLED.
func (s *service) readQueues() (web.Queues, error) {
	if s.queues == nil {
		return nil, nil //nolint:nilnil // the read API shows no queues then
	}
	c, err := discovery.NewDiscoveryClientForConfigAndClient(s.mgr.GetConfig(), s.mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("preparing to ask Kueue who waits: %w", err)
	}
	return queues{s.queues, c.RESTClient()}, nil
}

// Pending implements [web.Queues].
func (q queues) Pending(ctx context.Context, clusterQueue, namespace string) ([]kueue.PendingWorkload, error) {
	return kueue.Pending(ctx, q.rest, clusterQueue, namespace)
}
