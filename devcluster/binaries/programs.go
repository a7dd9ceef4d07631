package binaries

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Programs builds the service, the operator's CLI and the control plane's starter into bin/ of the checkout.
func Programs(ctx context.Context, out io.Writer, linkerFlags string) error {
	progress, finish := progressOn(out)
	defer finish()
	root, err := Root()
	if err != nil {
		return err
	}
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("creating bin: %w", err)
	}
	build := Build{Name: "service", Module: root, LinkerFlags: linkerFlags, Dir: bin, Packages: []string{
		"./cmd/integration", "./cmd/integrationctl", "./devcluster/cmd/devcluster",
	}}
	return build.Run(ctx, progress)
}
