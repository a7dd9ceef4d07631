package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPagesNameWhatTheCodeHas compares names in the code with the page that explains them.
func TestPagesNameWhatTheCodeHas(t *testing.T) {
	for what, c := range map[string]struct{ page, source, names string }{
		"condition": {"operations.md", "api/v1alpha1/conditions.go", `Condition\w+ += "(\w+)"`},
		"reason":    {"operations.md", "api/v1alpha1/conditions.go", `Reason\w+ += "(\w+)"`},
		"variable":  {"configuration.md", "cmd/integration/*.go", `env:"(\w+)"`},
		"metric":    {"operations.md", "internal/*/*.go internal/*/*/*.go cmd/*/*.go", `Name: +"(workspace_flyte_\w+)"`},
	} {
		page, err := os.ReadFile(c.page)
		if err != nil {
			t.Fatal(err)
		}
		found := matches(t, c.names, strings.Fields(c.source)...)
		for name := range found {
			if !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "`"+name+"{") {
				t.Errorf("docs/%s doesn't name the %s %s", c.page, what, name)
			}
		}
		if len(found) == 0 {
			t.Errorf("there is no %s", what)
		}
	}
}

// matches are the first groups of a pattern in the files of globs, tests left out.
func matches(t *testing.T, pattern string, globs ...string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, glob := range globs {
		files, err := filepath.Glob(filepath.Join(root, glob))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
				found[match[1]] = true
			}
		}
	}
	return found
}

var testName = regexp.MustCompile("`(Test[A-Z]\\w*)…?`")

// TestNamedTestsExist proves that each test that a page names exists. A name that ends in … is a prefix.
func TestNamedTestsExist(t *testing.T) {
	tests := allTests(t)
	pages, err := fs.Glob(os.DirFS("."), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := fs.Glob(os.DirFS("."), "decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, decisions...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range testName.FindAllStringSubmatch(string(text), -1) {
			want := "func " + match[1]
			if !strings.HasSuffix(match[0], "…`") {
				want += "("
			}
			if !strings.Contains(tests, want) {
				t.Errorf("%s: there is no test %s", page, match[0])
			}
		}
	}
}

// allTests is the text of all test files.
func allTests(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a path in this checkout
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
