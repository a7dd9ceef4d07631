package binaries

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/filelock"
)

// cache is one directory that is either absent or complete.
type cache struct {
	dir      string
	names    []string // of the files that make it complete
	progress io.Writer
}

// fill returns the directory once it is complete. build writes into a directory
// beside it that takes its name when all is there.
func (c cache) fill(ctx context.Context, build func(dir string) error) (string, error) {
	if c.complete(c.dir) {
		return c.dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o755); err != nil {
		return "", fmt.Errorf("creating the cache: %w", err)
	}
	lock, err := filelock.Wait(ctx, c.dir+".lock", func() {
		fmt.Fprintln(c.progress, "waiting for another process that builds the control plane")
	})
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if c.complete(c.dir) { // another process was faster
		return c.dir, nil
	}
	return c.dir, c.replace(build)
}

// replace is called under the lock, so what lies around is of the dead.
func (c cache) replace(build func(dir string) error) error {
	building := c.dir + ".building"
	for _, dir := range []string{building, c.dir} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing an unfinished build: %w", err)
		}
	}
	if err := os.Mkdir(building, 0o755); err != nil {
		return fmt.Errorf("creating the cache: %w", err)
	}
	defer os.RemoveAll(building)
	if err := build(building); err != nil {
		return fmt.Errorf("building the control plane: %w", err)
	}
	if !c.complete(building) {
		return fmt.Errorf("building the control plane: %s lacks one of %v", building, c.names)
	}
	if err := os.Rename(building, c.dir); err != nil {
		return fmt.Errorf("keeping the build: %w", err)
	}
	return nil
}

func (c cache) complete(dir string) bool {
	for _, name := range c.names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Mode()&0o100 == 0 {
			return false
		}
	}
	return true
}
