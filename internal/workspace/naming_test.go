package workspace

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
)

const (
	sharedTemplate    = "{prefix}{project}"
	perDomainTemplate = "{prefix}{project}-{domain}"
)

var flyteDomains = []string{"development", "staging", "production"}

func newNaming(t testing.TB, template string, reserved ...string) *Naming {
	t.Helper()
	n, err := NewNaming(template, "flyte-", flyteDomains, reserved)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNaming_Namespaces(t *testing.T) {
	tests := []struct {
		name, template string
		perDomain      bool
		want           []Namespace
	}{
		{"one for all", sharedTemplate, false, []Namespace{{Name: "flyte-ws-001"}}},
		{"one per domain", perDomainTemplate, true, []Namespace{
			{Name: "flyte-ws-001-development", Domain: "development"},
			{Name: "flyte-ws-001-staging", Domain: "staging"},
			{Name: "flyte-ws-001-production", Domain: "production"},
		}},
		{"the domain first", "{domain}-{project}", true, []Namespace{
			{Name: "development-ws-001", Domain: "development"},
			{Name: "staging-ws-001", Domain: "staging"},
			{Name: "production-ws-001", Domain: "production"},
		}},
		{"without the prefix", "{project}", false, []Namespace{{Name: "ws-001"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := newNaming(t, test.template)
			if diff := cmp.Diff(test.want, n.Namespaces("ws-001")); diff != "" {
				t.Error(diff)
			}
			if got := n.PerDomain(); got != test.perDomain {
				t.Errorf("PerDomain() = %v, want %v", got, test.perDomain)
			}
		})
	}
}

func TestNewNaming_RefusesBadTemplates(t *testing.T) {
	tests := []struct {
		name, template, prefix string
		domains                []string
		want                   string
	}{
		{"no project", "{prefix}-{domain}", "flyte-", flyteDomains, "must contain {project} exactly once"},
		{"project twice", "{project}-{project}", "flyte-", flyteDomains, "must contain {project} exactly once"},
		{"empty", "", "flyte-", flyteDomains, "must contain {project} exactly once"},
		{"unknown placeholder", "{org}-{project}", "flyte-", flyteDomains, `makes no namespace name: "{org}-{project}"`},
		{"upper case", "{prefix}{project}", "Flyte-", flyteDomains, `makes no namespace name: "Flyte-{project}"`},
		{"prefix with a placeholder", "{prefix}{project}", "{project}", flyteDomains, `makes no namespace name`},
		{"too long for any id", "{prefix}{project}", strings.Repeat("a", 63), flyteDomains, "makes no namespace name"},
		{"a later domain in upper case", "{project}-{domain}", "", []string{"dev", "PROD"}, `makes no namespace name: "{project}-PROD"`},
		{"a later domain too long", "{project}-{domain}", "", []string{"dev", strings.Repeat("d", 62)}, "makes no namespace name"},
		{"no domains", "{project}-{domain}", "", nil, "a domain has no name"},
		{"empty domain", "{domain}{project}", "", []string{"dev", ""}, "a domain has no name"},
		{"one domain ends like another", "{project}-{domain}", "", []string{"staging", "b-staging"}, "could give two workspaces one namespace"},
		{"one domain begins like another", "{domain}-{project}", "", []string{"dev", "dev-a"}, "could give two workspaces one namespace"},
		{"a domain twice", "{project}-{domain}", "", []string{"dev", "dev"}, "could give two workspaces one namespace"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewNaming(test.template, test.prefix, test.domains, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestNaming_ChecksIDs(t *testing.T) {
	label := errors.New("must be a DNS label: at most 63 lower case letters, digits or -, starting and ending with a letter or digit")
	tests := []struct {
		name, template, id string
		want               error
	}{
		{"good", perDomainTemplate, "ws-001", nil},
		{"a digit", sharedTemplate, "7", nil},
		{"longest", sharedTemplate, strings.Repeat("a", 57), nil},
		{"longest per domain", perDomainTemplate, strings.Repeat("a", 45), nil},
		{"empty", sharedTemplate, "", label},
		{"upper case", sharedTemplate, "WS", label},
		{"a dot", sharedTemplate, "a.b", label},
		{"a slash", sharedTemplate, "../kube-system", label},
		{"leading -", sharedTemplate, "-a", label},
		{"trailing -", sharedTemplate, "a-", label},
		{"white space", sharedTemplate, "a ", label},
		{"NUL", sharedTemplate, "a\x00", label},
		{"look-alike of a", sharedTemplate, "w\u0430", label},
		{"64 characters", "{project}", strings.Repeat("a", 64), label},
		{"one too long", sharedTemplate, strings.Repeat("a", 58), errors.New("is too long by 1 characters: its namespace flyte-" +
			strings.Repeat("a", 58) + " would not fit 63")},
		{"one too long in the longest domain", perDomainTemplate, strings.Repeat("a", 46), errors.New(
			"is too long by 1 characters: its namespace flyte-" + strings.Repeat("a", 46) + "-development would not fit 63")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := newNaming(t, test.template).Check(test.id)
			if diff := cmp.Diff(text(test.want), text(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNaming_RefusesReservedNames(t *testing.T) {
	reserved := []string{"flyte-system", "istio-*", "ws-9-production"}
	tests := []struct {
		template, id string
		refused      bool
	}{
		{sharedTemplate, "system", true},
		{sharedTemplate, "system-a", false},
		{sharedTemplate, "default", false},
		{"{project}", "default", true},
		{"{project}", "kube-system", true},
		{"{project}", "kube-anything", true},
		{"{project}", "kube", false},
		{"{project}", "istio-system", true},
		{"{project}", "istio", false},
		{"{project}-{domain}", "ws-9", true},
		{"{project}-{domain}", "ws-8", false},
	}
	for _, test := range tests {
		t.Run(test.template+" "+test.id, func(t *testing.T) {
			err := newNaming(t, test.template, reserved...).Check(test.id)
			if refused := err != nil && strings.Contains(err.Error(), "is reserved"); refused != test.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Whatever the template and the domains: what NewNaming takes never gives two ids one namespace, nor two domains.
func TestNaming_NeverSharesANamespace(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		n, err := NewNaming(
			rapid.StringMatching(`(\{prefix\}|\{domain\}|[ab-]){0,3}\{project\}(\{domain\}|[ab-]){0,3}`).Draw(t, "template"),
			rapid.StringMatching(`[ab-]{0,2}`).Draw(t, "prefix"),
			rapid.SliceOfN(rapid.StringMatching(`[ab-]{1,3}`), 1, 3).Draw(t, "domains"), nil)
		if err != nil {
			return
		}
		taken++
		owner := map[string]string{}
		for _, id := range rapid.SliceOfNDistinct(rapid.StringMatching(`[ab]([ab-]{0,4}[ab])?`), 2, 40, rapid.ID).Draw(t, "ids") {
			if n.Check(id) != nil {
				t.Fatalf("Check refuses %q", id)
			}
			for _, namespace := range n.Namespaces(id) {
				if other, shared := owner[namespace.Name]; shared {
					t.Fatalf("%q and %q share the namespace %s", id, other, namespace.Name)
				}
				owner[namespace.Name] = id
				if errs := validation.IsDNS1123Label(namespace.Name); len(errs) > 0 {
					t.Fatalf("%q gets the namespace %q: %v", id, namespace.Name, errs)
				}
			}
		}
	})
	if taken == 0 {
		t.Error("no template was taken, so nothing was seen")
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
