package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// settingsFlags say where the service is installed.
type settingsFlags struct {
	namespace, release string
}

func (s *settingsFlags) register(c *cobra.Command) {
	serviceFlag(c, &s.namespace)
	c.Flags().StringVar(&s.release, "service", "workspace-flyte-integration", "`name` of the service's Deployment, ConfigMap and Lease")
}

// settings are the variables of the service.
type settings map[string]string

// read reads the ConfigMap of the service.
func (s *settingsFlags) read(ctx context.Context, kube client.Client) (settings, error) {
	var config corev1.ConfigMap
	if err := kube.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: s.release}, &config); err != nil {
		return nil, fmt.Errorf("reading the service's ConfigMap (see --namespace and --service): %w", err)
	}
	return config.Data, nil
}

func (s settings) list(name string) []string {
	return strings.FieldsFunc(s[name], func(r rune) bool { return r == ',' })
}

// naming returns how the service names namespaces.
func (s settings) naming(namespace string) (*workspace.Naming, error) {
	reserved := append([]string{namespace, s["FLYTE_NAMESPACE"], "flyte", "workspace-management"}, s.list("RESERVED_NAMESPACES")...)
	naming, err := workspace.NewNaming(s["NAMESPACE_TEMPLATE"], s["KUBERNETES_NAMESPACE_PREFIX"], s.list("FLYTE_DOMAINS"), reserved)
	if err != nil {
		return nil, fmt.Errorf("reading NAMESPACE_TEMPLATE in the service's ConfigMap: it %w", err)
	}
	return naming, nil
}

// limits returns how many workspaces the service takes.
func (s settings) limits() (workspace.Limits, error) {
	maximum, err := strconv.Atoi(s["MAX_WORKSPACES"])
	if err != nil {
		return workspace.Limits{}, fmt.Errorf("MAX_WORKSPACES in the service's ConfigMap is %q, not a number", s["MAX_WORKSPACES"])
	}
	return workspace.NewLimits(maximum), nil
}
