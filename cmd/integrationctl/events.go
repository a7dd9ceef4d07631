package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// eventLister is the command "events".
type eventLister struct {
	streams genericiooptions.IOStreams
	cluster *cluster
	output  *output
	all     bool
	watch   bool
}

func newEventsCommand(streams genericiooptions.IOStreams) *cobra.Command {
	l := &eventLister{streams: streams}
	c := &cobra.Command{
		Use:   "events ID",
		Short: "List the Events about a workspace, the oldest first",
		Long: `List the Events about a workspace, the oldest first. Kubernetes keeps Events for an hour, unless the API server is told
otherwise.`,
		Example: `  integrationctl events ws-001
  integrationctl events ws-001 --all-objects
  integrationctl events ws-001 --watch`,
		Args: cobra.ExactArgs(1),
		RunE: l.run,
	}
	l.register(c)
	c.ValidArgsFunction = l.cluster.completeWorkspace
	return c
}

func (l *eventLister) register(c *cobra.Command) {
	l.cluster = newCluster(c)
	l.output = newOutput(c, "table", "wide")
	f := c.Flags()
	f.BoolVar(&l.all, "all-objects", false, "also the Events about objects in its namespaces")
	f.BoolVarP(&l.watch, "watch", "w", false, "list, then show each new Event about the workspace")
	l.output.noHeadersFlag(c)
}

func (l *eventLister) run(c *cobra.Command, args []string) error {
	if l.all && l.watch {
		return usagef("--watch shows Events about the workspace itself: leave out --all-objects")
	}
	kube, w, err := l.cluster.open(c.Context(), args[0])
	if err != nil {
		return err
	}
	printer, err := l.output.printer()
	if err != nil {
		return err
	}
	about, err := newEventObjects(l.cluster, metav1.NamespaceDefault, aboutWorkspace(w.Name).String())
	if err != nil {
		return err
	}
	found, err := l.list(c.Context(), about, namespacesOf(c.Context(), kube, w))
	if err != nil {
		return err
	}
	if err := l.print(printer, found, w.Name); err != nil || !l.watch {
		return err
	}
	return about.watch(c.Context(), "", found.ResourceVersion, func(t *metav1.Table) error { return printer.printEach(l.streams.Out, t) })
}

func (l *eventLister) print(p *printer, found *metav1.Table, id string) error {
	if len(found.Rows) == 0 && p.table != nil {
		if !l.watch {
			fmt.Fprintf(l.streams.ErrOut, "No Events about %s.\n", id)
		}
		return nil
	}
	return p.printList(l.streams.Out, found)
}

func (l *eventLister) list(ctx context.Context, about *objects, namespaces []string) (*metav1.Table, error) {
	found, err := about.list(ctx, "")
	if err != nil {
		return nil, err
	}
	if !l.all {
		namespaces = nil
	}
	for _, namespace := range namespaces {
		inside, err := newEventObjects(l.cluster, namespace, "")
		if err != nil {
			return nil, err
		}
		more, err := inside.list(ctx, "")
		if err != nil {
			return nil, err
		}
		found.Rows = append(found.Rows, more.Rows...)
	}
	return found, sortEvents(found)
}

// sortEvents puts the oldest first.
func sortEvents(t *metav1.Table) error {
	var errs []error
	seen := func(row metav1.TableRow) *corev1.Event {
		var e corev1.Event
		object := row.Object.Object.(*unstructured.Unstructured)
		errs = append(errs, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &e))
		return &e
	}
	slices.SortStableFunc(t.Rows, func(a, b metav1.TableRow) int { return lastSeen(seen(a)).Compare(lastSeen(seen(b))) })
	return errors.Join(errs...)
}
