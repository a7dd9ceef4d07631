package binaries

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// names are the files of a complete cache.
var names = []string{Etcd, APIServer, ControllerManager}

func writeBinaries(t *testing.T, dir, content string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCache_UsesACompleteDirectory(t *testing.T) {
	c := cache{dir: filepath.Join(t.TempDir(), "v1"), names: names, progress: io.Discard}
	writeBinaries(t, c.dir, "whole", names...)
	if _, err := c.fill(t.Context(), func(string) error { return errors.New("built again") }); err != nil {
		t.Error(err)
	}
}

func TestCache_ReplacesAnIncompleteBuild(t *testing.T) {
	for name, left := range map[string]struct {
		suffix, content string
		names           []string
	}{
		"a binary is missing":    {"", "half", names[:2]},
		"the binaries are empty": {"", "", names},
		"a build was killed":     {".building", "half", names},
	} {
		t.Run(name, func(t *testing.T) {
			c := cache{dir: filepath.Join(t.TempDir(), "v1"), names: names, progress: io.Discard}
			writeBinaries(t, c.dir+left.suffix, left.content, left.names...)
			dir, err := c.fill(t.Context(), func(dir string) error { writeBinaries(t, dir, "whole", names...); return nil })
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if content, _ := os.ReadFile(filepath.Join(dir, name)); string(content) != "whole" {
					t.Errorf("%s is %q", name, content)
				}
			}
		})
	}
}

func TestCache_KeepsNoFailedBuild(t *testing.T) {
	c := cache{dir: filepath.Join(t.TempDir(), "v1"), names: names, progress: io.Discard}
	for _, build := range []func(string) error{
		func(dir string) error {
			writeBinaries(t, dir, "whole", names...)
			return errors.New("no space left")
		},
		func(dir string) error { writeBinaries(t, dir, "half", names[:1]...); return nil },
	} {
		if _, err := c.fill(t.Context(), build); err == nil {
			t.Error("a failed build did not fail")
		}
		if _, err := os.Stat(c.dir); err == nil {
			t.Error("a failed build was kept")
		}
	}
}

func TestCache_IsBuiltOnceByConcurrentProcesses(t *testing.T) {
	const others = 3
	waiting := make(lineCounter, others)
	c := cache{dir: filepath.Join(t.TempDir(), "v1"), names: names, progress: waiting}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var builds atomic.Int32
	var group sync.WaitGroup
	for range others + 1 {
		group.Go(func() {
			_, err := c.fill(ctx, func(dir string) error {
				builds.Add(1)
				for range others {
					select {
					case <-waiting:
					case <-ctx.Done():
						return errors.New("the others do not wait")
					}
				}
				writeBinaries(t, dir, "whole", names...)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

// lineCounter receives once for each line that is written.
type lineCounter chan struct{}

func (c lineCounter) Write(p []byte) (int, error) {
	c <- struct{}{}
	return len(p), nil
}

// fakeGo records its call and creates the files of the build.
const fakeGo = `#!/bin/sh
echo "CGO_ENABLED=$CGO_ENABLED in $PWD: $*" >"$RECORD"
echo "k8s.io/some/package" >&2
for word; do [ "$last" = -o ] && dir=$word; last=$word; done
for name in server kube-apiserver kube-controller-manager; do echo "$name" >"$dir/$name"; chmod +x "$dir/$name"; done
exit "${STATUS:-0}"
`

func TestControlPlane_BuildsThePinnedModule(t *testing.T) {
	bin, root, record := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "record")
	writeBinaries(t, bin, fakeGo, "go")
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("WFI_CACHE_DIR", root)
	t.Setenv("RECORD", record)

	t.Setenv("STATUS", "1")
	if _, err := ControlPlane(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "k8s.io/some/package") {
		t.Errorf("a failed build returned %v, want its output", err)
	}
	t.Setenv("STATUS", "0")
	dir, err := ControlPlane(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(dir) != filepath.Join(root, "controlplane") {
		t.Errorf("built into %s", dir)
	}
	call, _ := os.ReadFile(record)
	for _, want := range []string{"CGO_ENABLED=0 in ", "devcluster/controlplane: build ", "version.gitVersion=v1."} {
		if !strings.Contains(string(call), want) {
			t.Errorf("go was called with %s, want %q in it", call, want)
		}
	}
}

func TestModuleDir_IsFoundInTheCheckout(t *testing.T) {
	want, err := filepath.Abs("../controlplane")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"..", "../cmd/devcluster"} {
		t.Run(from, func(t *testing.T) {
			t.Chdir(from)
			if got, err := moduleDir(); got != want || err != nil {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
	t.Chdir(t.TempDir())
	if got, err := moduleDir(); err == nil || !strings.Contains(err.Error(), "run this from the checkout") {
		t.Errorf("outside the checkout: got %s, %v", got, err)
	}
}
