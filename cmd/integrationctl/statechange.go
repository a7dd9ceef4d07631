package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// fieldManager is the name of this program in the managed fields of what it writes.
const fieldManager = programName

// stateChange is what the commands that write the state register have in common.
type stateChange struct {
	streams genericiooptions.IOStreams
	cluster *cluster
	output  *output
	dryRun  string
	wait    bool
	timeout time.Duration
	// done says of a workspace that it was changed, and goal what --wait waits for.
	done, goal string
	// state returns the state to write, or why the workspace can't have it.
	state func(*v1alpha1.Workspace) (v1alpha1.State, error)
}

func (s *stateChange) register(c *cobra.Command) {
	s.cluster = newCluster(c)
	s.output = newOutput(c, "text")
	f := c.Flags()
	f.StringVar(&s.dryRun, "dry-run", "none", "`how` to try it: none, client (send nothing) or server (change nothing)")
	f.BoolVar(&s.wait, "wait", false, "wait until the service has done it")
	f.DurationVar(&s.timeout, "timeout", waitTimeout, "how long to wait")
	c.Args = cobra.MinimumNArgs(1)
	c.ValidArgsFunction = s.cluster.completeWorkspaces
	completeFlag(c, "dry-run", fixedValues("none", "client", "server"))
}

func (s *stateChange) check() error {
	switch s.dryRun {
	case "none", "client", "server":
	default:
		return usagef("--dry-run must be none, client or server, not %q", s.dryRun)
	}
	if s.wait && s.dryRun != "none" {
		return usagef("--wait waits for a change: leave out --dry-run")
	}
	if s.timeout <= 0 {
		return usagef("--timeout must be above zero, not %s", s.timeout)
	}
	return nil
}

func (s *stateChange) run(c *cobra.Command, ids []string) error {
	if err := s.check(); err != nil {
		return err
	}
	kube, err := s.cluster.client()
	if err != nil {
		return err
	}
	return s.changeAll(c.Context(), kube, ids)
}

// changeAll changes what it can, and returns the errors of the others.
func (s *stateChange) changeAll(ctx context.Context, kube client.WithWatch, ids []string) error {
	errs := make([]error, len(ids))
	changed := 0
	for i, id := range ids {
		if errs[i] = s.change(ctx, kube, id); errs[i] == nil {
			changed++
		}
	}
	if changed > 0 && s.dryRun == "none" {
		fmt.Fprintln(s.streams.ErrOut, "A newer event of the workspace service overrides this.")
	}
	if s.wait {
		for i, id := range ids {
			if errs[i] == nil {
				errs[i] = await(ctx, kube, s.streams.ErrOut, id, s.goal, s.timeout)
			}
		}
	}
	return errors.Join(errs...)
}

// change is guarded by resourceVersion: it changes the state that it has read, and no later one.
func (s *stateChange) change(ctx context.Context, kube client.Client, id string) error {
	w, err := s.cluster.workspace(ctx, kube, id)
	if err != nil {
		return err
	}
	to, err := s.state(w)
	if err != nil {
		return fmt.Errorf("workspace %q %w", id, err)
	}
	done := s.done
	switch s.dryRun {
	case "client":
		w.Spec.State, done = to, done+" (dry run)"
	case "server":
		done += " (server dry run)"
		err = write(ctx, kube, w, to, client.DryRunAll)
	default:
		err = write(ctx, kube, w, to)
	}
	if err != nil {
		return fmt.Errorf("changing workspace %q: %w", id, err)
	}
	return s.print(w, done)
}

func write(ctx context.Context, kube client.Client, w *v1alpha1.Workspace, to v1alpha1.State, options ...client.PatchOption) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": w.ResourceVersion}, "spec": map[string]any{"state": to},
	})
	if err != nil {
		return err
	}
	return kube.Patch(ctx, w, client.RawPatch(types.MergePatchType, patch), append(options, client.FieldOwner(fieldManager))...)
}

func (s *stateChange) print(w *v1alpha1.Workspace, done string) error {
	if s.output.format() != "" {
		_, err := fmt.Fprintf(s.streams.Out, "workspace.%s/%s %s\n", v1alpha1.GroupVersion.Group, w.Name, done)
		return err
	}
	p, err := s.output.objectPrinter()
	if err != nil {
		return err
	}
	w.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Workspace"))
	return p.PrintObj(w, s.streams.Out)
}
