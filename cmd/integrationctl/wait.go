package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const waitTimeout = 5 * time.Minute

// goalCurrent is a goal that people can't ask for: all is as the spec wants it, whichever state that is.
const goalCurrent = "up to date"

// waiter is the command "wait".
type waiter struct {
	streams genericiooptions.IOStreams
	cluster *cluster
	goal    string
	timeout time.Duration
}

func newWaitCommand(streams genericiooptions.IOStreams) *cobra.Command {
	w := &waiter{streams: streams}
	c := &cobra.Command{
		Use:   "wait ID --for=(ready|suspended|deleted|purged)",
		Short: "Wait until a workspace is ready, suspended, deleted or purged",
		Long: `Wait until a workspace is entirely as wanted:

  ready      active, and all resources are in place
  suspended  members have read-only access, and the Flyte project is archived
  deleted    the same, and the deletion is recorded
  purged     its namespaces are gone

Each new reason on the way is shown on standard error.`,
		Example: `  integrationctl wait ws-001 --for=ready --timeout=2m`,
		Args:    cobra.ExactArgs(1),
		RunE:    w.run,
	}
	w.register(c)
	c.ValidArgsFunction = w.cluster.completeWorkspace
	return c
}

func (w *waiter) register(c *cobra.Command) {
	w.cluster = newCluster(c)
	c.Flags().StringVar(&w.goal, "for", "ready", "`goal`: ready, suspended, deleted or purged")
	c.Flags().DurationVar(&w.timeout, "timeout", waitTimeout, "how long to wait")
	completeFlag(c, "for", fixedValues(goals()...))
}

func goals() []string { return []string{"ready", "suspended", "deleted", "purged"} }

func (w *waiter) run(c *cobra.Command, args []string) error {
	if !slices.Contains(goals(), w.goal) {
		return usagef("--for must be ready, suspended, deleted or purged, not %q", w.goal)
	}
	if w.timeout <= 0 {
		return usagef("--timeout must be above zero, not %s", w.timeout)
	}
	kube, err := w.cluster.client()
	if err != nil {
		return err
	}
	if err := await(c.Context(), kube, w.streams.ErrOut, args[0], w.goal, w.timeout); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.streams.Out, "workspace.%s/%s %s\n", v1alpha1.GroupVersion.Group, args[0], w.goal)
	return err
}

// await returns when a workspace has reached a goal. It shows each new reason.
func await(ctx context.Context, kube client.WithWatch, progress io.Writer, id, goal string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var w v1alpha1.Workspace
	switch err := kube.Get(ctx, client.ObjectKey{Name: id}, &w); {
	case apierrors.IsNotFound(err) && goal == "purged":
		return nil
	case err != nil:
		return fmt.Errorf("waiting for workspace %q: %w", id, err)
	}
	reached := progressPrinter(progress, goal)
	if reached(&w) {
		return nil
	}
	_, err := toolswatch.Until(ctx, w.ResourceVersion, watcher(kube, id), untilReached(&w, goal, reached))
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("workspace %q is not %s after %s: %s; see: %s describe workspace %s",
			id, goal, timeout, standing(&w), programName, id)
	}
	if err != nil {
		return fmt.Errorf("waiting for workspace %q: %w", id, err)
	}
	return nil
}

// untilReached returns the condition that ends a watch. It updates w with each event.
func untilReached(w *v1alpha1.Workspace, goal string, reached func(*v1alpha1.Workspace) bool) toolswatch.ConditionFunc {
	return func(e watch.Event) (bool, error) {
		changed, ok := e.Object.(*v1alpha1.Workspace)
		if !ok {
			return false, apierrors.FromObject(e.Object)
		}
		*w = *changed
		if e.Type == watch.Deleted {
			return goal == "purged", errDeleted(goal)
		}
		return reached(w), nil
	}
}

func errDeleted(goal string) error {
	if goal == "purged" {
		return nil
	}
	return errors.New("somebody deleted the Workspace")
}

func watcher(kube client.WithWatch, id string) cache.Watcher {
	return &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.FieldSelector = "metadata.name=" + id
		return kube.Watch(ctx, &v1alpha1.WorkspaceList{}, &client.ListOptions{Raw: &o})
	}}
}

// progressPrinter returns a function that reports whether the goal is reached, and prints where the workspace stands when that changed.
func progressPrinter(out io.Writer, goal string) func(*v1alpha1.Workspace) bool {
	shown := ""
	return func(w *v1alpha1.Workspace) bool {
		if isAt(w, goal) {
			return true
		}
		if now := standing(w); now != shown {
			shown = now
			fmt.Fprintf(out, "%s: %s\n", w.Name, now)
		}
		return false
	}
}

// standing says where a workspace stands.
func standing(w *v1alpha1.Workspace) string {
	ready := w.ReadyCondition()
	switch {
	case w.Status.ObservedGeneration != w.Generation:
		return "the service has not seen the newest change yet"
	case ready.Reason == ready.Message || ready.Message == "":
		return ready.Reason
	}
	return fmt.Sprintf("%s: %s", ready.Reason, strings.TrimSuffix(ready.Message, "."))
}

// isAt reports whether all of a workspace is as a goal wants it.
func isAt(w *v1alpha1.Workspace, goal string) bool {
	if goal == "purged" {
		return w.Tombstone()
	}
	state := map[string]v1alpha1.State{
		"ready": v1alpha1.StateActive, "suspended": v1alpha1.StateSuspended, "deleted": v1alpha1.StateDeleted,
	}[goal]
	return (w.Spec.State == state || goal == goalCurrent) && w.Status.ObservedGeneration == w.Generation &&
		meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionReady)
}
