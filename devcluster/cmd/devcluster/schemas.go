package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/schemas"
)

// gatewayAPI is the module with the CRD of HTTPRoute.
const gatewayAPI = "sigs.k8s.io/gateway-api@v1.6.3"

// writeSchemas writes JSON Schemas for kubeconform: those of the given CRDs, or those of the control plane's Kubernetes and of HTTPRoute.
func writeSchemas(ctx context.Context, args []string) error {
	flags := newFlags("schemas")
	dir := flags.String("dir", "", "directory to write to")
	crds := flags.String("crds", "", "pattern of CRD files")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *dir == "" {
		return errUsage
	}
	if err := os.MkdirAll(*dir, 0o700); err != nil {
		return fmt.Errorf("creating the directory of the schemas: %w", err)
	}
	if *crds != "" {
		return writeCRDs(*dir, *crds)
	}
	kubernetes, err := binaries.KubernetesSource(ctx)
	if err != nil {
		return err
	}
	if err := schemas.WriteKubernetes(*dir, kubernetes); err != nil {
		return err
	}
	gateway, err := binaries.ModuleSource(ctx, gatewayAPI)
	if err != nil {
		return err
	}
	return writeCRDs(*dir, filepath.Join(gateway, "config", "crd", "standard", "*_httproutes.yaml"))
}

// writeCRDs fails if no file matches the pattern.
func writeCRDs(dir, pattern string) error {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("finding CRDs: no file matches %s", pattern)
	}
	for _, file := range files {
		if err := schemas.WriteCRD(dir, file); err != nil {
			return err
		}
	}
	return nil
}
