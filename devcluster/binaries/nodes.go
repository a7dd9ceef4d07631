package binaries

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Names of the files in the directory of [Nodes].
const (
	Scheduler  = "kube-scheduler"
	Kwok       = "kwok"
	KwokStages = "stages.yaml"
)

const kwokModule = "sigs.k8s.io/kwok"

// stages let nodes become and stay ready, pods run and go, and pods of Jobs complete, each at once; from kwok's own module.
var stages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
}

// Nodes is as [ControlPlane], for kube-scheduler and kwok, which few tests need.
func Nodes(ctx context.Context, out io.Writer) (string, error) {
	progress, finish := progressOn(out)
	defer finish()
	from, err := findSource()
	if err != nil {
		return "", err
	}
	kwok := filepath.Join(filepath.Dir(from.module), "kwok")
	kwokIs, err := kwokVersion(kwok)
	if err != nil {
		return "", err
	}
	v := from.versions
	c := cache{
		dir:   filepath.Join(from.cache, "nodes", v.key()+"-kwok-"+kwokIs),
		names: []string{Scheduler, Kwok, KwokStages}, progress: progress,
	}
	return c.fill(ctx, func(dir string) error {
		fmt.Fprintf(progress, "Building kube-scheduler %s and kwok %s from source, once; %s keeps them.\n", v.kubernetes, kwokIs, c.dir)
		for _, build := range []Build{
			{
				Name: "scheduler", Module: from.module, Packages: []string{"k8s.io/kubernetes/cmd/kube-scheduler"},
				LinkerFlags: v.linkerFlags(), Dir: dir,
			},
			{Name: "kwok", Module: kwok, Packages: []string{kwokModule + "/cmd/kwok"}, LinkerFlags: "-s -w", Dir: dir},
		} {
			if err := build.Run(ctx, progress); err != nil {
				return err
			}
		}
		return writeStages(ctx, filepath.Join(dir, KwokStages), kwokModule+"@"+kwokIs)
	})
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
	if err := os.WriteFile(path, text, 0o700); err != nil { //nolint:gosec // the cache asks that of all its files
		return fmt.Errorf("writing the stages of kwok: %w", err)
	}
	return nil
}
