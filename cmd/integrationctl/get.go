package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// getter is the command "get".
type getter struct {
	streams  genericiooptions.IOStreams
	cluster  *cluster
	output   *output
	filter   filter
	selector string
	sortBy   string
	watch    bool
}

func newGetCommand(streams genericiooptions.IOStreams) *cobra.Command {
	g := &getter{streams: streams}
	c := &cobra.Command{
		Use:   "get (workspaces|tiers) [ID...]",
		Short: "List workspaces or tiers",
		Long: `List workspaces or tiers, as kubectl does. --state Deleted adds when the namespaces are removed, and --unlisted since when
the workspace service lacks them.`,
		Example: `  integrationctl get workspaces --not-ready
  integrationctl get workspaces ws-001 -o yaml
  integrationctl get workspaces --tier large --sort-by .metadata.creationTimestamp
  integrationctl get workspaces -o jsonpath='{range .items[*]}{.metadata.name} {.spec.owner}{"\n"}{end}'
  integrationctl get tiers`,
		Args: cobra.MinimumNArgs(1),
		RunE: g.run,
	}
	g.register(c)
	c.ValidArgsFunction = g.complete
	return c
}

func (g *getter) register(c *cobra.Command) {
	g.cluster = newCluster(c)
	g.output = newOutput(c, "table", "wide")
	f := c.Flags()
	f.StringVarP(&g.selector, "selector", "l", "", "only those with these labels, such as `team=fraud`")
	f.StringVar(&g.sortBy, "sort-by", "", "sort by a `JSONPath`, such as .metadata.creationTimestamp (default: by name)")
	f.BoolVarP(&g.watch, "watch", "w", false, "list, then show each change")
	g.output.noHeadersFlag(c)
	g.filter.register(c)
	completeFlag(c, "tier", g.cluster.completeTiers)
}

func (g *getter) run(c *cobra.Command, args []string) error {
	of, err := parseKind(args[0])
	if err != nil {
		return err
	}
	if err := g.check(of, args[1:]); err != nil {
		return err
	}
	objects, err := newObjects(g.cluster, of)
	if err != nil {
		return err
	}
	printer, err := g.output.printer()
	if err != nil {
		return err
	}
	return g.show(c.Context(), objects, printer, args[1:])
}

func (g *getter) check(of kind, ids []string) error {
	switch {
	case of.plural != "workspaces" && g.filter.set():
		return usagef("--not-ready, --state, --tier and --unlisted are for workspaces only")
	case len(ids) > 0 && (g.selector != "" || g.filter.set()):
		return usagef("give either names, or flags that select: --selector, --not-ready, --state, --tier, --unlisted")
	case g.watch && len(ids) > 1:
		return usagef("--watch shows one workspace by its name, or those that flags select")
	case g.watch && g.sortBy != "":
		return usagef("--watch shows changes as they come: --sort-by can't sort them")
	}
	if _, err := labels.Parse(g.selector); err != nil {
		return usagef("--selector %q is no label selector such as team=fraud,env!=test: %v", g.selector, err)
	}
	return g.filter.check()
}

// show prints what is found, then with --watch each change.
func (g *getter) show(ctx context.Context, objects *objects, p *printer, ids []string) error {
	found, err := g.list(ctx, objects, ids)
	switch {
	case found == nil:
		return err
	case len(found.Rows) == 0 && p.table != nil:
		g.sayNone(objects.plural)
	case len(ids) == 1:
		err = errors.Join(err, p.printEach(g.streams.Out, found))
	default:
		err = errors.Join(err, p.printList(g.streams.Out, found))
	}
	if err != nil || !g.watch {
		return err
	}
	return objects.watch(ctx, g.selector, found.ResourceVersion, func(t *metav1.Table) error { return g.printChange(p, t) })
}

// list returns the table of all objects that were found, and the errors of the others. The table is nil if there is none.
func (g *getter) list(ctx context.Context, objects *objects, ids []string) (*metav1.Table, error) {
	switch {
	case len(ids) == 1 && g.watch:
		objects.fieldSelector = "metadata.name=" + ids[0]
	case len(ids) > 0:
		return objects.get(ctx, ids)
	}
	sorted, err := newOrder(g.sortBy)
	if err != nil {
		return nil, err
	}
	found, err := objects.list(ctx, g.selector)
	if err != nil {
		return nil, err
	}
	g.filter.apply(found)
	return found, sorted.sort(found)
}

// sayNone says that nothing was found, unless something may still come.
func (g *getter) sayNone(plural string) {
	if !g.watch {
		fmt.Fprintf(g.streams.ErrOut, "No %s found.\n", plural)
	}
}

// printChange prints nothing if no filter matches.
func (g *getter) printChange(p *printer, t *metav1.Table) error {
	g.filter.apply(t)
	if len(t.Rows) == 0 {
		return nil
	}
	return p.printEach(g.streams.Out, t)
}
