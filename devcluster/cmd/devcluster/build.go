package main

import (
	"context"
	"fmt"
	"os"

	"platform.company.com/workspace-flyte-integration/devcluster"
)

// build fills the cache and prints its directory, which is also what envtest
// takes as KUBEBUILDER_ASSETS.
func build(ctx context.Context, args []string) error {
	if err := parse(newFlags("build"), args); err != nil {
		return err
	}
	dir, err := devcluster.Binaries(ctx, os.Stderr)
	if err != nil {
		return err
	}
	if _, err := devcluster.NodeBinaries(ctx, os.Stderr); err != nil {
		return err
	}
	fmt.Println(dir)
	return nil
}
