package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// templateConverter is the command "convert flyte-templates".
type templateConverter struct {
	streams genericiooptions.IOStreams
	name    string
	data    string
}

func newConvertCommand(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{Use: "convert", Short: "Make a tier of what another program has"}
	c.AddCommand(newConvertTemplatesCommand(streams))
	return c
}

func newConvertTemplatesCommand(streams genericiooptions.IOStreams) *cobra.Command {
	t := &templateConverter{streams: streams}
	c := &cobra.Command{
		Use:   "flyte-templates DIR",
		Short: "Make a tier of the templates of Flyte's cluster resource sync",
		Long: `Read the templates of Flyte's cluster resource sync in a directory, and print a WorkspaceTier that gives workspaces the
same, as far as it can. Above it stands the chart's value tierObjects that the tier needs. Each field that is not converted is a
warning on standard error with its file, and the exit code is then 3: see the table in docs/tiers.md. Nothing is sent to a cluster.

Variables other than {{ project }}, {{ domain }} and {{ namespace }} need values: give Flyte's configuration with customData as
--custom-data. A quota may differ between domains, everything else must not.`,
		Example: `  integrationctl convert flyte-templates templates/ > tier.yaml
  integrationctl convert flyte-templates templates/ --custom-data cluster_resources.yaml --name fraud`,
		Args: cobra.ExactArgs(1),
		RunE: t.run,
	}
	c.Flags().StringVar(&t.name, "name", "converted", "`name` of the tier")
	c.Flags().StringVar(&t.data, "custom-data", "", "`file` with customData, as in Flyte's cluster_resources")
	return c
}

func (t *templateConverter) run(_ *cobra.Command, args []string) error {
	values, err := readCustomData(t.data)
	if err != nil {
		return err
	}
	files, err := readTemplates(args[0])
	if err != nil {
		return err
	}
	conversion := newConversion(t.name, values)
	for _, file := range files {
		conversion.add(file)
	}
	conversion.check()
	if err := conversion.print(t.streams); err != nil {
		return err
	}
	if len(conversion.warnings) > 0 {
		return &codedError{exitPreflight, fmt.Sprintf("not everything was converted: %d warnings", len(conversion.warnings))}
	}
	return nil
}

// conversion is a tier that is made of templates.
type conversion struct {
	tier *v1alpha1.WorkspaceTier
	data customData
	// file is the one that is converted, and warnings are what was not, each with its file.
	file     string
	warnings []string
	// files are those of the tier's objects.
	files []string
}

func newConversion(name string, data customData) *conversion {
	return &conversion{data: data, tier: &v1alpha1.WorkspaceTier{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "WorkspaceTier"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}}
}

func (c *conversion) warn(format string, args ...any) {
	c.warnings = append(c.warnings, c.file+": "+fmt.Sprintf(format, args...))
}

// check warns of objects that no tier can have, and leaves them out.
func (c *conversion) check() {
	all := c.tier.Spec.Objects
	c.tier.Spec.Objects = nil
	for i := range all {
		only := &v1alpha1.WorkspaceTier{Spec: v1alpha1.WorkspaceTierSpec{Objects: all[i : i+1]}}
		problems := desired.CheckTierObjects(only, kindsOf(only), []string{"development"})
		for _, problem := range problems {
			c.file = c.files[i]
			c.warn("%s", strings.TrimPrefix(problem.String(), "spec.objects[0]"))
		}
		if len(problems) == 0 {
			c.tier.Spec.Objects = append(c.tier.Spec.Objects, all[i])
		}
	}
}

func kindsOf(tier *v1alpha1.WorkspaceTier) (kinds workspace.ObjectKinds) {
	for i := range tier.Spec.Objects {
		template := &tier.Spec.Objects[i]
		kinds = append(kinds, schema.FromAPIVersionAndKind(template.APIVersion, template.Kind))
	}
	return kinds
}

// object makes a template of the tier.
func (c *conversion) object(o *unstructured.Unstructured) {
	if !c.isAllowed(o) {
		return
	}
	c.removeUnsettable(o)
	template := v1alpha1.TierObject{}
	text, err := json.Marshal(o.Object)
	if err == nil {
		err = json.Unmarshal(text, &template)
	}
	if err != nil {
		c.warn("%s %s: %v", o.GetKind(), o.GetName(), err)
		return
	}
	c.tier.Spec.Objects, c.files = append(c.tier.Spec.Objects, template), append(c.files, c.file)
}

// isAllowed warns of an object that can't be in a tier.
func (c *conversion) isAllowed(o *unstructured.Unstructured) bool {
	if advice, known := byHand[o.GetKind()]; known {
		c.warn("%s %s: %s", o.GetKind(), o.GetName(), advice)
		return false
	}
	if _, err := workspace.ParseObjectKinds([]string{workspace.ObjectKindName(o.GroupVersionKind())}); err != nil {
		c.warn("%s %s: %v", o.GetKind(), o.GetName(), err)
		return false
	}
	if namespace := o.GetNamespace(); namespace != "" && namespace != "{namespace}" {
		c.warn("%s %s is in the namespace %s: an object of a tier is in the workspace's", o.GetKind(), o.GetName(), namespace)
		return false
	}
	return true
}

// removeUnsettable removes the fields that a template can't set, and warns of each but the namespace.
func (c *conversion) removeUnsettable(o *unstructured.Unstructured) {
	metadata, _ := o.Object["metadata"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if !slices.Contains([]string{"name", "namespace", "labels", "annotations"}, key) {
			c.warn("metadata.%s: a template can't set it", key)
			delete(metadata, key)
		}
	}
	delete(metadata, "namespace")
	if _, has := o.Object["status"]; has {
		c.warn("status: a template can't set it")
		delete(o.Object, "status")
	}
}

// print writes the tier to standard output, and the warnings to standard error.
func (c *conversion) print(streams genericiooptions.IOStreams) error {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(c.tier)
	if err != nil {
		return err
	}
	delete(object, "status")
	delete(object["metadata"].(map[string]any), "creationTimestamp")
	text, err := yaml.Marshal(object)
	if err != nil {
		return err
	}
	for _, warning := range c.warnings {
		fmt.Fprintln(streams.ErrOut, "warning:", warning)
	}
	if kinds := c.chartKinds(); len(kinds) > 0 {
		fmt.Fprintf(streams.Out, "# The chart's values need:\n# tierObjects:\n%s", strings.Join(kinds, ""))
	}
	_, err = streams.Out.Write(text)
	return err
}

// chartKinds are the entries of tierObjects that the tier needs. The resource is the usual plural: compare it with kubectl api-resources.
func (c *conversion) chartKinds() (lines []string) {
	for _, kind := range kindsOf(c.tier) {
		line := fmt.Sprintf("#   - {group: %q, version: %s, kind: %s, resource: %s}\n", kind.Group, kind.Version, kind.Kind, plural(kind.Kind))
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func readFile(path, flag string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the file (see --%s): %w", flag, err)
	}
	return content, nil
}
