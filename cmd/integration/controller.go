package main

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/lifecycle"
)

func (s *service) addController(ctx context.Context) error {
	own, err := s.controllerClient()
	if err != nil {
		return err
	}
	s.lease, err = k8s.NewLease(s.mgr.GetConfig(), s.cfg.PodNamespace, name, identity(s.cfg), s.cfg.leaseTimes(), s.acquired)
	if err != nil {
		return err
	}
	if err := s.addOptionalKinds(); err != nil {
		return err
	}
	applier := k8s.NewApplier(own, s.mgr.GetAPIReader(), desired.Owns)
	applier.Register(metrics.Registry)
	s.controller = lifecycle.New(s.controllerOptions(applier))
	s.registerMetrics(metrics.Registry)
	if err := s.controller.Setup(ctx, s.mgr); err != nil {
		return err
	}
	return s.mgr.Add(s.electAfterSync(s.lease))
}

// controllerClient reads from the caches what it has written itself.
func (s *service) controllerClient() (client.Client, error) {
	consistent := true
	own, err := client.New(s.mgr.GetConfig(), client.Options{
		Scheme: s.mgr.GetScheme(), Mapper: s.mgr.GetRESTMapper(), HTTPClient: s.mgr.GetHTTPClient(),
		Cache: &client.CacheOptions{Reader: s.mgr.GetCache(), EnableReadYourWritesConsistency: &consistent},
	})
	if err != nil {
		return nil, fmt.Errorf("making the controller's client: %w", err)
	}
	return own, nil
}

// addOptionalKinds adds the kinds that are handled only if the configuration asks for them.
func (s *service) addOptionalKinds() (err error) {
	if s.cfg.PullSecretsNS != "" {
		if s.pullSecrets, err = k8s.NewPullSecrets(s.mgr, s.cfg.PullSecretsNS, s.relisted); err != nil {
			return err
		}
	}
	if s.cfg.QueuesEnabled {
		if s.queues, err = k8s.NewOptional(s.mgr, kueue.GroupVersion, k8s.Queues()...); err != nil {
			return err
		}
	}
	if len(s.cfg.objectKinds) > 0 {
		if s.objectKinds, err = k8s.NewObjectKinds(s.mgr, s.cfg.objectKinds, s.relisted); err != nil {
			return err
		}
	}
	return nil
}

// tierStatusInterval collects changes of many workspaces into one write per tier.
const tierStatusInterval = 5 * time.Second

func (s *service) controllerOptions(applier *k8s.Applier) lifecycle.Options {
	return lifecycle.Options{
		Applier: applier,
		Flyte: desired.Flyte{
			Server: s.cfg.flyteServer(), Domains: s.cfg.attributeDomains(), PerDomain: s.cfg.naming.PerDomain(),
		},
		Projects: s.flyte.client, Leadership: s.lease, Naming: s.cfg.naming, Validator: s.validator,
		Cluster: &desired.Cluster{
			FlyteNamespace: s.cfg.FlyteNamespace, FlytePorts: s.cfg.FlytePorts,
			DNSCIDRs: s.cfg.DNSCIDRs, ExceptCIDRs: s.cfg.EgressExceptCIDRs,
		},
		PullSecrets: s.pullSecrets, Queues: s.queues, ObjectKinds: s.objectKinds,
		ConsoleURL: s.consoleURL, Limits: workspace.NewLimits(s.cfg.MaxWorkspaces),
		Reporting: s.cfg.WorkspaceAPIEndpoint != "", Relisted: s.relisted,
		NetworkNotEnforced: s.network.NotEnforced, TierStatusInterval: tierStatusInterval,
		Deletion: lifecycle.Deletion{
			Policy:      v1alpha1.DeletionPolicy(s.cfg.DeletionPolicy),
			GracePeriod: s.cfg.DeletionGracePeriod, TombstoneTTL: s.cfg.TombstoneTTL,
		},
		Events: s.mgr.GetEventRecorder(name), Metrics: metrics.Registry, Now: time.Now,
	}
}

// acquired is called with each leadership, on a goroutine of its own; ctx ends with it.
func (s *service) acquired(ctx context.Context) {
	go s.logMissingFields(ctx) // a new leader waits for no description of the API
	s.controller.Acquired(ctx)
	if s.reporter != nil {
		s.reporter.Acquired(ctx)
		s.resync.Run(ctx)
	}
}
