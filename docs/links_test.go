// Package docs_test proves that links between the pages resolve.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = ".."

var (
	fenced     = regexp.MustCompile("(?s)\n *```.*?\n *```")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mention    = regexp.MustCompile(`\bdocs/[a-z0-9/-]+\.md(?:#[a-z0-9-]+)?`)
	notInSlugs = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	skipped    = []string{".git", ".run", "bin", "dist", "node_modules", "testdata"}
	mentioning = []string{".go", ".yaml", ".yml", ".txt", ".tpl", ".rego"}
)

// TestLinksResolve follows every relative link of every page, and every page that another file mentions by its path.
func TestLinksResolve(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, entry.Name()):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"), strings.HasSuffix(path, ".md.gotmpl"):
			return checkPage(t, path)
		case slices.Contains(mentioning, filepath.Ext(path)):
			return checkMentions(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkPage(t *testing.T, path string) error {
	t.Helper()
	text, err := os.ReadFile(path)
	prose := inlineCode.ReplaceAllString(fenced.ReplaceAllString(string(text), ""), "`code`") // a link's text may be code, its target not
	for _, match := range link.FindAllStringSubmatch(prose, -1) {
		file, anchor, _ := strings.Cut(match[1], "#")
		switch {
		case strings.Contains(file, "://"):
		case file == "":
			checkTarget(t, path, path, anchor)
		default:
			checkTarget(t, path, filepath.Join(filepath.Dir(path), file), anchor)
		}
	}
	return err
}

func checkMentions(t *testing.T, path string) error {
	t.Helper()
	text, err := os.ReadFile(path)
	for _, match := range mention.FindAllString(string(text), -1) {
		file, anchor, _ := strings.Cut(match, "#")
		checkTarget(t, path, filepath.Join(root, file), anchor)
	}
	return err
}

// checkTarget reports a file that does not exist, and an anchor that no heading of its page has.
func checkTarget(t *testing.T, from, file, anchor string) {
	t.Helper()
	page, err := os.ReadFile(file) //nolint:gosec // a path in this checkout
	if err != nil {
		t.Errorf("%s: %v", from, err)
	} else if anchor != "" && !slices.Contains(anchors(string(page)), anchor) {
		t.Errorf("%s: %s has no heading for #%s", from, file, anchor)
	}
}

// anchors are those that GitHub gives the headings of a page.
func anchors(page string) (all []string) {
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		all = append(all, strings.ReplaceAll(notInSlugs.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return all
}
