package binaries

import (
	"bufio"
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"platform.company.com/workspace-flyte-integration/devcluster/child"
)

// plan is what a build had to compile when it was planned: the source size of each package by import path, and the stale packages.
type plan struct {
	size  map[string]int64
	stale map[string]bool
}

const planFormat = "{{.ImportPath}}\t{{.Stale}}\t{{.Dir}}\t{{range .GoFiles}}{{.}}\t{{end}}"

// plan asks `go list` which packages the build cache lacks. Without a plan, progress shows no totals.
func (b Build) plan(ctx context.Context, messages *buildStatus) *plan {
	var out bytes.Buffer
	cmd := b.command(ctx, messages, "list", "-deps", "-f", planFormat)
	cmd.Stdout = &out
	if child.Run(cmd) != nil {
		return nil // the build fails for the same reason
	}
	p := &plan{size: map[string]int64{}, stale: map[string]bool{}}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) < 3 {
			continue
		}
		path, dir := fields[0], fields[2]
		p.size[path] = 1
		for _, file := range fields[3:] {
			if info, err := os.Stat(filepath.Join(dir, file)); err == nil && file != "" {
				p.size[path] += info.Size()
			}
		}
		if fields[1] == "true" {
			p.stale[path] = true
		}
	}
	return p
}

// total is the number and size of all packages that the build compiles, including those that it has compiled.
func (p *plan) total(compiled map[string]bool) (packages int, size int64) {
	all := maps.Clone(p.stale)
	maps.Copy(all, compiled)
	return len(all), p.sizeOf(all)
}

func (p *plan) sizeOf(packages map[string]bool) (size int64) {
	for path := range packages {
		size += max(p.size[path], 1)
	}
	return size
}

// missingModules counts the modules in go.sum that the module cache lacks, the most that a build downloads.
func missingModules(goSum, moduleCache string) (missing int) {
	text, err := os.ReadFile(goSum)
	if err != nil {
		return 0
	}
	var modules []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && !strings.HasSuffix(fields[1], "/go.mod") {
			modules = append(modules, filepath.Join(moduleCache, "cache", "download", escape(fields[0]), "@v", escape(fields[1])+".zip"))
		}
	}
	for _, zip := range slices.Compact(modules) {
		if _, err := os.Stat(zip); err != nil {
			missing++
		}
	}
	return missing
}

// escape escapes a path as the module cache does: each capital becomes ! and the small letter.
func escape(path string) string {
	var text strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			text.WriteRune('!')
		}
		text.WriteRune(unicode.ToLower(r))
	}
	return text.String()
}
