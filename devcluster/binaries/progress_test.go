package binaries

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgress_ShowsTheRemainingWork(t *testing.T) {
	dir := t.TempDir()
	s := &buildStatus{
		build: Build{Name: "service", Dir: dir, Packages: []string{"./one", "./two"}}, compiled: map[string]bool{}, toDownload: 3,
	}
	p := &Progress{running: []*buildStatus{s}}
	planned := &plan{
		size:  map[string]int64{"fmt": 1000, "example.com/a": 100, "example.com/b": 300, "example.com/one": 600},
		stale: map[string]bool{"example.com/a": true, "example.com/b": true, "example.com/one": true},
	}
	for _, step := range []struct {
		printed, want string
		plan          *plan
	}{
		{want: "1m0s, service: reading packages"},
		{printed: "go: downloading example.com/x v1.0.0\n", want: "1m0s, service: 1 modules downloaded, at most 2 left"},
		{printed: "example.com/a\nexample.c", want: "1m0s, service: 1 packages compiled"},
		{plan: planned, want: "1m0s, service: 1 of 3 packages, 10 %, about 9m0s left"},
		{printed: "om/b\n# a warning\n", want: "1m0s, service: 2 of 3 packages, 40 %, about 1m30s left"},
		{printed: "example.com/one\n", want: "1m0s, service: linked 0 of 2"},
	} {
		if _, err := s.Write([]byte(step.printed)); err != nil {
			t.Fatal(err)
		}
		if step.plan != nil {
			s.setPlan(step.plan)
		}
		if got := p.line(time.Minute); got != step.want {
			t.Errorf("after %q it says %q, not %q", step.printed, got, step.want)
		}
	}
	writeBinaries(t, dir, "whole", "one")
	if got := p.line(time.Minute); got != "1m0s, service: linked 1 of 2" {
		t.Errorf("with one binary it says %q", got)
	}
}

// TestProgress_UpdatesOneLineOnATerminal, and writes other lines above it.
func TestProgress_UpdatesOneLineOnATerminal(t *testing.T) {
	for terminal, want := range map[bool]string{
		true:  "1s, service: reading packages\r\x1b[K2s, service: reading packages\r\x1b[Kstays\n3s, service: reading packages",
		false: "1s, service: reading packages\n2s, service: reading packages\nstays\n3s, service: reading packages\n",
	} {
		var out bytes.Buffer
		p := &Progress{out: &out, terminal: terminal, running: []*buildStatus{{build: Build{Name: "service"}}}}
		p.showNow(time.Second)
		p.showNow(2 * time.Second)
		if _, err := p.Write([]byte("stays\n")); err != nil {
			t.Fatal(err)
		}
		p.showNow(3 * time.Second)
		if got := out.String(); got != want {
			t.Errorf("terminal %v: %q, not %q", terminal, got, want)
		}
	}
}

// TestPlan_HasTheStalePackages compares the plan with what `go build -v` then prints.
func TestPlan_HasTheStalePackages(t *testing.T) {
	module := t.TempDir()
	for path, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "main.go": "package main\n\nimport \"example.com/m/a\"\n\nfunc main() { println(a.A) }\n",
		"a/a.go": "package a\n\n// A is another one in each test, so that no cache has it.\nvar A = \"" + module + "\"\n",
	} {
		file := filepath.Join(module, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := Build{Name: "test", Module: module, Packages: []string{"."}, Dir: t.TempDir()}
	status := newBuildStatus(build)
	status.setPlan(build.plan(t.Context(), status))
	if status.plan == nil || !status.plan.stale["example.com/m"] || !status.plan.stale["example.com/m/a"] {
		t.Fatalf("the plan lacks what was never compiled: %+v; %s", status.plan, status.lastLines())
	}
	planned, _ := status.plan.total(nil)
	if err := build.command(t.Context(), status, "build", "-v", "-o", build.Dir).Run(); err != nil {
		t.Fatal(err, status.lastLines())
	}
	if len(status.compiled) != planned {
		t.Errorf("%d packages were planned and %d compiled: %v", planned, len(status.compiled), status.compiled)
	}
	if got := status.String(); got != "test: linked 1 of 1" {
		t.Errorf("in the end it says %q", got)
	}
	if again := build.plan(t.Context(), status); again == nil || len(again.stale) > 1 {
		t.Errorf("nothing is left to compile, but the plan is %+v", again)
	}
}

func TestMissingModules_ComparesWithTheModuleCache(t *testing.T) {
	cache := t.TempDir()
	goSum := filepath.Join(t.TempDir(), "go.sum")
	text := "github.com/BurntSushi/toml v1.6.0 h1:x\ngithub.com/BurntSushi/toml v1.6.0/go.mod h1:x\nexample.com/a v1.0.0 h1:x\n" +
		"example.com/b v1.0.0/go.mod h1:x\n"
	if err := os.WriteFile(goSum, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := missingModules(goSum, cache); got != 2 {
		t.Errorf("of an empty cache %d are missing, not 2", got)
	}
	writeBinaries(t, filepath.Join(cache, "cache", "download", "github.com", "!burnt!sushi", "toml", "@v"), "zip", "v1.6.0.zip")
	if got := missingModules(goSum, cache); got != 1 {
		t.Errorf("with one in the cache %d are missing, not 1", got)
	}
	if strings.Contains(escape("A"), "A") {
		t.Error("a capital is not escaped")
	}
}
