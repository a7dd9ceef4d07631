package main

import (
	"context"

	"platform.company.com/workspace-flyte-integration/internal/networkprobe"
)

// addNetworkProbe probes whether the cluster enforces NetworkPolicies, if NETWORK_PROBE_ADDRESS is set. When that changes, all workspaces
// are queued.
func (s *service) addNetworkProbe(context.Context) error {
	if s.cfg.NetworkProbe == "" {
		return nil
	}
	s.network = networkprobe.New(s.cfg.NetworkProbe, func(notEnforced bool) {
		s.log.Info("the network probe has another result", "notEnforced", notEnforced)
		select {
		case s.relisted <- struct{}{}:
		default: // they are about to be queued
		}
	})
	return s.mgr.Add(s.network)
}
