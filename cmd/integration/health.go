package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"time"

	"k8s.io/client-go/discovery"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// liveTimeout is less than the timeout of any probe: a missing answer would be taken for a dead process.
const liveTimeout = 500 * time.Millisecond

var (
	errStopping = errors.New("stopping")
	errCaches   = errors.New("the caches have not synced yet")
	errStalled  = errors.New("work of the controller has made no progress for five minutes")
)

// health checks the dependencies of the service. draining ends when the process begins to stop.
func (s *service) health(draining context.Context) *webhook.Health {
	return &webhook.Health{
		Cluster: s.cfg.ClusterName, Namespace: s.cfg.PodNamespace, Version: healthVersion(), Flyte: s.flyte.lastFound,
		Checks: []webhook.Check{
			{Reason: webhook.ReasonAPIServerUnreachable, Probe: s.probeAPIServer},
			{Reason: webhook.ReasonFlyteUnreachable, Probe: s.flyte.check},
			{Reason: webhook.ReasonControllerNotProgressing, Probe: s.probeController},
		},
		Ready: func() error {
			if draining.Err() != nil {
				return errStopping
			}
			return s.checkSynced()
		},
		Live: s.live,
	}
}

func (s *service) probeAPIServer(ctx context.Context) error {
	d, err := discovery.NewDiscoveryClientForConfigAndClient(s.mgr.GetConfig(), s.mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	began := time.Now()
	if err := d.RESTClient().Get().AbsPath("/version").Do(ctx).Error(); err != nil {
		return err
	}
	took := int64(time.Since(began))
	s.apiServerTook.Store(min(took, s.lastProbe.Swap(took)))
	return nil
}

// probeController also fails on a replica whose caches have not synced: it could not take over.
func (s *service) probeController(context.Context) error {
	return cmp.Or(s.checkSynced(), s.checkProgress())
}

func (s *service) checkSynced() error {
	if !s.synced.Load() {
		return errCaches
	}
	return nil
}

func (s *service) checkProgress() error {
	if s.controller.Stalled(s.stallLimit) {
		return errStalled
	}
	return nil
}

// live fails only if a restart can help: not while the API server is down or hangs.
func (s *service) live(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	if err := s.checkProgress(); err != nil && s.probeAPIServer(ctx) == nil {
		return err
	}
	return nil
}

// identity names this process in the lease. A container that is started again in its pod takes its own lease up at
// once: Kubernetes starts it only when the old one has ended. Elsewhere no two processes share an identity.
func identity(cfg *config) string {
	if cfg.PodName != "" {
		return cfg.PodName
	}
	host, _ := os.Hostname()
	return host + "_" + rand.Text()
}
