package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/schemas"
)

// gatewayAPI is where the CRD of HTTPRoute is.
const gatewayAPI = "sigs.k8s.io/gateway-api@v1.6.3"

// writeSchemas fills a folder with JSON Schemas for kubeconform: of the CRDs that are given, else of the control plane's version of
// Kubernetes and of HTTPRoute.
func writeSchemas(ctx context.Context, args []string) error {
	flags := newFlags("schemas")
	dir := flags.String("dir", "", "where to write")
	crds := flags.String("crds", "", "CRDs, as a pattern of files")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *dir == "" {
		return errUsage
	}
	if err := os.MkdirAll(*dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the schemas: %w", err)
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

// writeCRDs fails where the pattern finds nothing.
func writeCRDs(dir, pattern string) error {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("looking for CRDs: no file is like %s", pattern)
	}
	for _, file := range files {
		if err := schemas.WriteCRD(dir, file); err != nil {
			return err
		}
	}
	return nil
}
