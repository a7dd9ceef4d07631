package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Namespace is one namespace of a workspace.
type Namespace struct {
	Name string
	// Domain is the Flyte domain that runs in it, or "" if all domains share it.
	Domain string
}

// Naming computes the namespaces of a workspace from its id. It is deterministic and injective: two workspaces never share a
// namespace, and two domains of one workspace only if the template has no {domain}.
type Naming struct {
	shapes   []shape
	reserved []string
}

// shape is the text around the id in the namespace of one domain.
type shape struct{ before, after, domain string }

// Placeholders of a namespace template.
const (
	placeholderPrefix  = "{prefix}"
	placeholderProject = "{project}"
	placeholderDomain  = "{domain}"
)

// NewNaming parses a template such as "{prefix}{project}-{domain}". It refuses a template without {project}, or one that could
// give two workspaces the same namespace. A reserved name that ends in * reserves a prefix.
func NewNaming(template, prefix string, domains, reserved []string) (*Naming, error) {
	if strings.Count(template, placeholderProject) != 1 {
		return nil, errors.New("must contain {project} exactly once")
	}
	switch {
	case !strings.Contains(template, placeholderDomain):
		domains = []string{""}
	case len(domains) == 0 || slices.Contains(domains, ""):
		return nil, errors.New("contains {domain}, but a domain has no name")
	}
	n := &Naming{reserved: append([]string{"default", "kube-*"}, reserved...)}
	for _, domain := range domains {
		text := strings.NewReplacer(placeholderPrefix, prefix, placeholderDomain, domain).Replace(template)
		before, after, _ := strings.Cut(text, placeholderProject)
		n.shapes = append(n.shapes, shape{before: before, after: after, domain: domain})
	}
	return n, cmp.Or(n.checkLabels(), n.checkInjective())
}

func (s shape) name(id string) string { return s.before + id + s.after }

// PerDomain reports whether each Flyte domain has a namespace of its own.
func (n *Naming) PerDomain() bool { return n.shapes[0].domain != "" }

// Namespaces returns the namespaces of a workspace, in the order of Flyte's domains.
func (n *Naming) Namespaces(id string) []Namespace {
	namespaces := make([]Namespace, len(n.shapes))
	for i, s := range n.shapes {
		namespaces[i] = Namespace{Name: s.name(id), Domain: s.domain}
	}
	return namespaces
}

// Domains are the Flyte domains that have a namespace of their own in each workspace; none if all share one.
func (n *Naming) Domains() (domains []string) {
	for _, s := range n.shapes {
		if s.domain != "" {
			domains = append(domains, s.domain)
		}
	}
	return domains
}

// Check returns why id can't be a workspace id, or nil. It must be a DNS label, all its namespaces must be DNS labels (RFC 1123:
// at most 63 characters), and none of them may be reserved.
func (n *Naming) Check(id string) error {
	if errs := validation.IsDNS1123Label(id); len(errs) > 0 {
		return errors.New("must be a DNS label: at most 63 lower case letters, digits or -, starting and ending with a letter or digit")
	}
	for _, namespace := range n.Namespaces(id) {
		if len(namespace.Name) > validation.DNS1123LabelMaxLength {
			return fmt.Errorf("is too long by %d characters: its namespace %s would not fit 63",
				len(namespace.Name)-validation.DNS1123LabelMaxLength, namespace.Name)
		}
		if slices.ContainsFunc(n.reserved, func(r string) bool { return matches(r, namespace.Name) }) {
			return fmt.Errorf("is reserved: its namespace would be %s", namespace.Name)
		}
	}
	return nil
}

func matches(reserved, name string) bool {
	if prefix, ok := strings.CutSuffix(reserved, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return reserved == name
}

// checkLabels refuses shapes that give no valid namespace name for any id.
func (n *Naming) checkLabels() error {
	for _, s := range n.shapes {
		if errs := validation.IsDNS1123Label(s.name("a")); len(errs) > 0 {
			return fmt.Errorf("makes no namespace name: %q: %s", s.name(placeholderProject), errs[0])
		}
	}
	return nil
}

// checkInjective refuses shapes of two domains that could give one name for two ids: if the text before the id in one begins with
// that of the other, and the text after the id ends likewise.
func (n *Naming) checkInjective() error {
	for i, a := range n.shapes {
		for _, b := range n.shapes[i+1:] {
			before := strings.HasPrefix(a.before, b.before) || strings.HasPrefix(b.before, a.before)
			after := strings.HasSuffix(a.after, b.after) || strings.HasSuffix(b.after, a.after)
			if before && after {
				return fmt.Errorf("could give two workspaces one namespace: %q and %q in the domains %q and %q",
					a.name(placeholderProject), b.name(placeholderProject), a.domain, b.domain)
			}
		}
	}
	return nil
}
