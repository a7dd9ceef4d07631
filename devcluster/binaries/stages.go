package binaries

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// stages are kwok's rules, from its own module: nodes become and stay ready, pods run and are deleted, and pods of Jobs complete, each at
// once.
var stages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
}

func writeStages(ctx context.Context, path, module string) error {
	source, err := ModuleSource(ctx, module)
	if err != nil {
		return err
	}
	var text []byte
	for _, stage := range stages {
		one, err := os.ReadFile(filepath.Join(source, "kustomize", "stage", filepath.FromSlash(stage)))
		if err != nil {
			return fmt.Errorf("reading a stage of kwok: %w", err)
		}
		text = append(append(text, "---\n"...), one...)
	}
	if err := os.WriteFile(path, text, 0o700); err != nil { //nolint:gosec // the cache requires the x bit of all its files
		return fmt.Errorf("writing the stages of kwok: %w", err)
	}
	return nil
}
