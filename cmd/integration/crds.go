package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/crd"
)

// upgradeCRDs is what the chart's Job runs before an upgrade.
func upgradeCRDs(ctx context.Context, kubeconfig string, out io.Writer) error {
	cfg, err := restConfig(kubeconfig)
	if err != nil {
		return fmt.Errorf("KUBECONFIG: %w", err)
	}
	c, err := client.New(cfg, client.Options{})
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	api, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	upgraded, err := crd.Upgrade(ctx, c, api.OpenAPIV3WithContext(ctx))
	if err != nil {
		return err
	}
	if len(upgraded) == 0 {
		fmt.Fprintln(out, "there is no CRD to upgrade: Helm and GitOps tools install those of the chart's crds/")
		return nil
	}
	fmt.Fprintln(out, "upgraded", strings.Join(upgraded, " and "))
	return nil
}

// logMissingFields logs which fields the cluster's CRDs lack: Helm and Flux upgrade no CRDs by themselves, and the API server drops
// unknown fields of a tier.
func (s *service) logMissingFields(ctx context.Context) {
	api, err := discovery.NewDiscoveryClientForConfig(s.mgr.GetConfig())
	if err != nil {
		s.log.Error(err, "comparing the CRDs with those of this version")
		return
	}
	missing, err := crd.MissingFields(ctx, api.OpenAPIV3WithContext(ctx))
	switch {
	case err != nil:
		s.log.Error(err, "comparing the CRDs with those of this version")
	case len(missing) > 0:
		s.log.Error(nil, "the CRDs of the cluster are older than this version: upgrade them (docs/chart.md, Upgrades)", "missing", missing)
	}
}
