package binaries

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// buildStatus is the progress of one build. It parses the output of `go build -v` and `go list`.
type buildStatus struct {
	build Build

	mu         sync.Mutex
	partial    string // of the last line
	lines      []string
	downloads  int
	toDownload int // at most
	compiled   map[string]bool
	plan       *plan
}

func newBuildStatus(b Build) *buildStatus {
	s := &buildStatus{build: b, compiled: map[string]bool{}}
	if out, err := exec.Command("go", "env", "GOMODCACHE").Output(); err == nil {
		s.toDownload = missingModules(filepath.Join(b.Module, "go.sum"), strings.TrimSpace(string(out)))
	}
	return s
}

// Write parses the go command's output: a line for each downloaded module and each compiled package, and errors.
func (s *buildStatus) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial += string(text)
	for {
		line, rest, whole := strings.Cut(s.partial, "\n")
		if !whole {
			return len(text), nil
		}
		s.partial = rest
		s.parse(line)
	}
}

func (s *buildStatus) parse(line string) {
	s.lines = append(s.lines, line)
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		s.downloads++
	case line != "" && !strings.ContainsAny(line, " \t#:"): // an import path
		s.compiled[line] = true
	}
}

func (s *buildStatus) setPlan(p *plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = p
}

// work is how many bytes of source have been compiled, and how many in total; both are zero without a plan.
func (s *buildStatus) work() (done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plan == nil {
		return 0, 0
	}
	_, total = s.plan.total(s.compiled)
	return s.plan.sizeOf(s.compiled), total
}

// String says what the build is doing, and how much is left.
func (s *buildStatus) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, compiled := s.build.Name, len(s.compiled)
	if s.plan == nil {
		switch {
		case compiled > 0:
			return fmt.Sprintf("%s: %d packages compiled", name, compiled)
		case s.downloads > 0:
			return fmt.Sprintf("%s: %d modules downloaded, at most %d left", name, s.downloads, max(0, s.toDownload-s.downloads))
		}
		return name + ": reading packages"
	}
	total, _ := s.plan.total(s.compiled)
	if compiled < total {
		return fmt.Sprintf("%s: %d of %d packages", name, compiled, total)
	}
	return fmt.Sprintf("%s: linked %d of %d", name, s.linked(), len(s.build.Packages))
}

func (s *buildStatus) linked() int {
	entries, _ := os.ReadDir(s.build.Dir)
	return min(len(entries), len(s.build.Packages))
}

func (s *buildStatus) lastLines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	const most = 15
	return strings.Join(s.lines[max(0, len(s.lines)-most):], "\n")
}
