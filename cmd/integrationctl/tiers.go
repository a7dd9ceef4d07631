package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tierDiffer is the command "tiers diff".
type tierDiffer struct {
	streams genericiooptions.IOStreams
	cluster *cluster
	file    string
}

func newTiersCommand(streams genericiooptions.IOStreams) *cobra.Command {
	tiers := &cobra.Command{Use: "tiers", Short: "Compare tiers with the cluster's"}
	d := &tierDiffer{streams: streams}
	c := &cobra.Command{
		Use:   "diff FILE",
		Short: "Show what changed tiers would change, and for which workspaces",
		Long: `Compare the WorkspaceTiers in a file with the cluster's, field by field. Then list the workspaces that would get another
quota, with what would be clamped, and those that could use the tier no more. The API server checks the tiers and fills in
defaults, in a dry run: nothing is changed. The exit code is 2 if there are differences. Where namespaces share a quota, the
list has the amounts of the whole workspace.`,
		Example: `  integrationctl get tiers standard -o yaml > tier.yaml
  integrationctl tiers diff tier.yaml
  helm template . --show-only templates/tiers.yaml | integrationctl tiers diff -`,
		Args: cobra.MaximumNArgs(1),
		RunE: d.run,
	}
	d.cluster = newCluster(c)
	c.Flags().StringVarP(&d.file, "file", "f", "", "`file` with WorkspaceTiers as YAML; - for standard input")
	tiers.AddCommand(c)
	return tiers
}

func (d *tierDiffer) run(c *cobra.Command, args []string) error {
	wanted, err := d.read(args)
	if err != nil {
		return err
	}
	kube, err := d.cluster.client()
	if err != nil {
		return err
	}
	fields, effects, err := d.compareAll(c.Context(), kube, wanted)
	if err != nil {
		return err
	}
	if len(fields.Rows) == 0 {
		fmt.Fprintln(d.streams.ErrOut, "No differences.")
		return nil
	}
	return cmp.Or(d.print(fields, effects), error(&codedError{code: exitDifferences}))
}

// print leaves out the second table if it is empty.
func (d *tierDiffer) print(table, effects *metav1.Table) error {
	if err := printTable(d.streams.Out, table); err != nil || len(effects.Rows) == 0 {
		return err
	}
	sortByWorkspace(effects.Rows)
	fmt.Fprintln(d.streams.Out)
	return printTable(d.streams.Out, effects)
}

// read reads the file that an argument or --file names.
func (d *tierDiffer) read(args []string) ([]v1alpha1.WorkspaceTier, error) {
	if len(args) > 0 {
		if d.file != "" {
			return nil, usagef("the file is an argument or --file, not both")
		}
		d.file = args[0]
	}
	switch d.file {
	case "":
		return nil, usagef("a file with WorkspaceTiers is required, or - for standard input")
	case "-":
		return decodeTiers(d.streams.In)
	}
	content, err := os.ReadFile(d.file)
	if err != nil {
		return nil, fmt.Errorf("reading the tiers (see --file): %w", err)
	}
	return decodeTiers(bytes.NewReader(content))
}

// decodeTiers refuses a field that does not exist: the API server would drop it.
func decodeTiers(in io.Reader) (tiers []v1alpha1.WorkspaceTier, err error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(in))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return tiers, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the tiers (see --file): %w", err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		var tier v1alpha1.WorkspaceTier
		if err := yaml.UnmarshalStrict(document, &tier); err != nil || tier.Kind != "WorkspaceTier" {
			return nil, fmt.Errorf("--file has something that is no WorkspaceTier of this version: %w", cmp.Or(err, errors.New("kind "+tier.Kind)))
		}
		tiers = append(tiers, tier)
	}
}

// compareAll returns the tables of all fields that would change, and of all effects on workspaces.
func (d *tierDiffer) compareAll(
	ctx context.Context, kube client.Client, wanted []v1alpha1.WorkspaceTier,
) (fields, effects *metav1.Table, err error) {
	fields, effects = newTable("Tier", "Field", "Now", "Then"), newTable("Workspace", "Effect", "Now", "Then", "Note")
	for i := range wanted {
		ofTier, ofWorkspaces, err := d.compare(ctx, kube, &wanted[i])
		if err != nil {
			return nil, nil, err
		}
		fields.Rows, effects.Rows = append(fields.Rows, ofTier...), append(effects.Rows, ofWorkspaces...)
	}
	return fields, effects, nil
}

// compare returns a row for each field that would change, and one for each effect on a workspace. It says on standard error how many
// workspaces are on the tier.
func (d *tierDiffer) compare(
	ctx context.Context, kube client.Client, wanted *v1alpha1.WorkspaceTier,
) (fields, effects []metav1.TableRow, err error) {
	e, err := dryRunTier(ctx, kube, wanted)
	if err != nil {
		return nil, nil, err
	}
	fields, err = difference(e)
	if err != nil || len(fields) == 0 {
		return nil, nil, err
	}
	effects, err = d.effects(ctx, kube, e)
	return fields, effects, err
}

// dryRunTier lets the API server check a tier and fill in defaults, and returns it with the live one, which is empty if there is none.
func dryRunTier(ctx context.Context, kube client.Client, wanted *v1alpha1.WorkspaceTier) (tierEffect, error) {
	var live v1alpha1.WorkspaceTier
	err := kube.Get(ctx, client.ObjectKey{Name: wanted.Name}, &live)
	if client.IgnoreNotFound(err) != nil {
		return tierEffect{}, fmt.Errorf("reading tier %q: %w", wanted.Name, err)
	}
	then := live.DeepCopy()
	then.Spec = wanted.Spec
	if apierrors.IsNotFound(err) {
		then.Name = wanted.Name
		err = kube.Create(ctx, then, client.DryRunAll)
	} else {
		err = kube.Update(ctx, then, client.DryRunAll)
	}
	if err != nil {
		return tierEffect{}, fmt.Errorf("trying tier %q: %w", wanted.Name, err)
	}
	return tierEffect{&live, then}, nil
}

// effects are those on all workspaces on the tier.
func (d *tierDiffer) effects(ctx context.Context, kube client.Client, e tierEffect) (rows []metav1.TableRow, err error) {
	var all v1alpha1.WorkspaceList
	if err := kube.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("listing workspaces: %w", err)
	}
	n, affected := 0, 0
	for i := range all.Items {
		if w := &all.Items[i]; w.Spec.Tier == e.then.Name {
			n++
			ofOne := e.rows(w)
			if len(ofOne) > 0 {
				affected++
			}
			rows = append(rows, ofOne...)
		}
	}
	_, err = fmt.Fprintf(d.streams.ErrOut,
		"%d workspaces are on tier %s. The quota of %d of them changes, or whether they may use it; all other fields reach all of them.\n",
		n, e.then.Name, affected)
	return rows, err
}

// difference has a row for each field of the spec whose value differs.
func difference(e tierEffect) ([]metav1.TableRow, error) {
	before, err := fieldsOf(e.now)
	if err != nil {
		return nil, err
	}
	after, err := fieldsOf(e.then)
	if err != nil {
		return nil, err
	}
	var rows []metav1.TableRow
	for _, path := range keysOf(before, after) {
		if before[path] != after[path] {
			rows = append(rows, metav1.TableRow{Cells: []any{e.then.Name, path, cmp.Or(before[path], "-"), cmp.Or(after[path], "-")}})
		}
	}
	return rows, nil
}

// keysOf are the keys of both maps, sorted.
func keysOf[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// fieldsOf are the fields of a tier's spec by their path, with lists as one value.
func fieldsOf(tier *v1alpha1.WorkspaceTier) (map[string]string, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(tier)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	flatten(object["spec"], nil, fields)
	return fields, nil
}

func flatten(value any, path []string, into map[string]string) {
	if nested, ok := value.(map[string]any); ok {
		for key := range nested {
			flatten(nested[key], append(slices.Clone(path), key), into)
		}
		return
	}
	into[strings.Join(path, ".")] = fmt.Sprint(value)
}
