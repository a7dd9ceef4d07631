// Package docs_test proves that the pages can be followed.
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

var (
	fenced     = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mention    = regexp.MustCompile(`\bdocs/[a-z0-9/-]+\.md(?:#[a-z0-9-]+)?`)
	notInSlugs = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	skipped    = []string{".git", ".run", "bin", "node_modules", "testdata"}
)

// anchors are those that GitHub gives the headings of a page.
func anchors(page string) (all []string) {
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		all = append(all, strings.ReplaceAll(notInSlugs.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return all
}

// resolves checks that the file exists, and that its page has the anchor.
func resolves(t *testing.T, from, file, anchor string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if info, statErr := os.Stat(file); statErr == nil && info.IsDir() {
		return
	}
	if err != nil {
		t.Errorf("%s: %v", from, err)
		return
	}
	if anchor != "" && !slices.Contains(anchors(string(page)), anchor) {
		t.Errorf("%s: %s has no heading for #%s", from, file, anchor)
	}
}

// TestLinksResolve follows every relative link of every page, and every page that another file mentions by its path.
func TestLinksResolve(t *testing.T) {
	root := ".."
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains(skipped, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".md", ".go", ".yaml", ".yml", ".txt", ".tpl", ".gotmpl", ".rego"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".md" || strings.HasSuffix(path, ".md.gotmpl") {
			for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
				if file, anchor, _ := strings.Cut(match[1], "#"); !strings.Contains(file, "://") {
					target := path
					if file != "" {
						target = filepath.Join(filepath.Dir(path), file)
					}
					resolves(t, path, target, anchor)
				}
			}
			return nil
		}
		for _, match := range mention.FindAllString(string(text), -1) {
			file, anchor, _ := strings.Cut(match, "#")
			resolves(t, path, filepath.Join(root, file), anchor)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
