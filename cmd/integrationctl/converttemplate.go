package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// flyteTemplate is a template of Flyte's cluster resource sync.
type flyteTemplate struct{ name, text string }

// readTemplates reads what Flyte would: the files of a directory whose names end in .yaml, in their order.
func readTemplates(dir string) (files []flyteTemplate, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() || filepath.Ext(entry.Name()) != ".yaml" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the templates: %w", err)
		}
		files = append(files, flyteTemplate{entry.Name(), string(text)})
	}
	if len(files) == 0 {
		return nil, errors.New("there is no template in " + dir + ": Flyte reads files that end in .yaml")
	}
	return files, nil
}

// customData are values of variables, by domain and variable.
type customData map[string]map[string]string

// readCustomData reads Flyte's customData: a list of maps from a domain to a list of maps from a variable to its value.
func readCustomData(path string) (customData, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readFile(path, "custom-data")
	if err != nil {
		return nil, err
	}
	var file customDataFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading customData (see --custom-data): %w", err)
	}
	return file.values(), nil
}

// customDataFile has customData at its top, or in Flyte's cluster_resources.
type customDataFile struct {
	customDataEntries `json:",inline"`

	ClusterResources customDataEntries `json:"cluster_resources"`
}

type customDataEntries struct {
	CustomData []map[string][]map[string]struct {
		Value string `json:"value"`
	} `json:"customData"`
}

func (f *customDataFile) values() customData {
	data := customData{}
	for _, domains := range slices.Concat(f.CustomData, f.ClusterResources.CustomData) {
		for domain, variables := range domains {
			if data[domain] == nil {
				data[domain] = map[string]string{}
			}
			for _, variable := range variables {
				for name, source := range variable {
					data[domain][name] = source.Value
				}
			}
		}
	}
	return data
}

// domains are those with values, sorted; one without name if there are none.
func (d customData) domains() (all []string) {
	for domain := range d {
		all = append(all, domain)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return []string{""}
	}
	return all
}

// variable matches a variable as Flyte replaces it: with exactly one space on both sides.
var variable = regexp.MustCompile(`\{\{ ([A-Za-z0-9_-]+) \}\}`)

// Flyte's own variables stand for placeholders while YAML is parsed, in which braces begin a map.
var placeholderMarks = map[string]string{"project": "⟦project⟧", "domain": "⟦domain⟧", "namespace": "⟦namespace⟧"}

// substitute replaces the variables of a template as Flyte does in this domain, and returns those without a value.
func (d customData) substitute(text, domain string) (result string, missing []string) {
	result = variable.ReplaceAllStringFunc(text, func(found string) string {
		name := variable.FindStringSubmatch(found)[1]
		if mark, own := placeholderMarks[name]; own {
			return mark
		}
		value := d[domain][name]
		if value == "" && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
		return value
	})
	return result, missing
}

// unmarked gives the marks of placeholders back as placeholders, in all strings below a value.
func unmarked(value any) any {
	switch value := value.(type) {
	case string:
		return strings.NewReplacer("⟦project⟧", "{project}", "⟦domain⟧", "{domain}", "⟦namespace⟧", "{namespace}").Replace(value)
	case []any:
		for i := range value {
			value[i] = unmarked(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = unmarked(value[key])
		}
	}
	return value
}

// parseForDomains returns what a template is in each domain; nil, with a warning, if it is no object in one.
func (c *conversion) parseForDomains(template string) map[string]*unstructured.Unstructured {
	objects := map[string]*unstructured.Unstructured{}
	var last string
	for _, domain := range c.data.domains() {
		text, missing := c.data.substitute(template, domain)
		if len(missing) > 0 {
			c.warn("needs values for %s%s: give --custom-data", strings.Join(missing, ", "), inDomain(domain))
			return nil
		}
		if previous, known := objects[last]; known && text == template {
			objects[domain] = previous
		} else if objects[domain] = c.parse(text); objects[domain] == nil {
			return nil
		}
		last = domain
	}
	return objects
}

// parse reads the first document of a template, as Flyte does.
func (c *conversion) parse(text string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(c.firstDocument(text), &o.Object); err != nil || o.GetKind() == "" {
		c.warn("is no object of Kubernetes")
		return nil
	}
	unmarked(o.Object)
	return o
}

// firstDocument warns if there are more.
func (c *conversion) firstDocument(text string) (first []byte) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return first
		}
		if err != nil || first != nil && len(bytes.TrimSpace(document)) > 0 {
			c.warn("has more than one object: Flyte applies the first alone")
			return first
		}
		if len(bytes.TrimSpace(document)) > 0 {
			first = document
		}
	}
}

// plural is the resource that a kind has by convention.
func plural(kind string) string {
	resource, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind})
	return resource.Resource
}
