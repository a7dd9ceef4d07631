package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// output is the flag -o with kubectl's formats.
type output struct {
	flags     *genericclioptions.PrintFlags
	noHeaders bool
	own       []string
}

// newOutput adds -o to a command, with kubectl's formats for objects and these own ones, of which the first is the default.
func newOutput(c *cobra.Command, own ...string) *output {
	o := &output{flags: genericclioptions.NewPrintFlags("").WithDefaultOutput(own[0]), own: own}
	o.flags.AddFlags(c)
	f := c.Flags().Lookup("output")
	f.Usage = "`format`: " + strings.Join(o.formats(), ", ")
	for _, rare := range []string{"allow-missing-template-keys", "template", "show-managed-fields"} {
		c.Flags().Lookup(rare).Hidden = true
	}
	completeFlag(c, "output", fixedValues(o.formats()...))
	return o
}

// noHeadersFlag is for commands whose own formats are tables.
func (o *output) noHeadersFlag(c *cobra.Command) {
	c.Flags().BoolVar(&o.noHeaders, "no-headers", false, "print a table without its header")
}

func (o *output) formats() []string {
	return append(slices.Clone(o.own), "json", "yaml", "name", "jsonpath=TEMPLATE", "go-template=TEMPLATE")
}

// format is one of the own formats, or "" if kubectl's printers print objects.
func (o *output) format() string {
	if slices.Contains(o.own, *o.flags.OutputFormat) {
		return *o.flags.OutputFormat
	}
	return ""
}

func (o *output) objectPrinter() (printers.ResourcePrinter, error) {
	p, err := o.flags.ToPrinter()
	switch {
	case genericclioptions.IsNoCompatiblePrinterError(err):
		return nil, usagef("-o %q is none of %s", *o.flags.OutputFormat, strings.Join(o.formats(), ", "))
	case err != nil:
		return nil, usagef("-o %s: %v", *o.flags.OutputFormat, err)
	}
	return p, nil
}

// printer prints tables of the API server, as tables or as the objects in them.
type printer struct {
	table, objects printers.ResourcePrinter // one of them is nil
}

func (o *output) printer() (*printer, error) {
	switch o.format() {
	case "":
		objects, err := o.objectPrinter()
		return &printer{objects: objects}, err
	default:
		options := printers.PrintOptions{NoHeaders: o.noHeaders, Wide: o.format() == "wide"}
		return &printer{table: printers.NewTablePrinter(options)}, nil
	}
}

// printList prints a table, or the objects as one List.
func (p *printer) printList(out io.Writer, t *metav1.Table) error {
	if p.table != nil {
		return p.table.PrintObj(t, out)
	}
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("List")
	for _, row := range t.Rows {
		list.Items = append(list.Items, *row.Object.Object.(*unstructured.Unstructured))
	}
	return p.objects.PrintObj(list, out)
}

// printEach prints a table, or each object by itself.
func (p *printer) printEach(out io.Writer, t *metav1.Table) error {
	if p.table != nil {
		return p.table.PrintObj(t, out)
	}
	for _, row := range t.Rows {
		if err := p.objects.PrintObj(row.Object.Object, out); err != nil {
			return err
		}
	}
	return nil
}
