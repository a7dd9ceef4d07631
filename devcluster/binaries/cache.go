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
	names    []string // the files of a complete directory
	progress io.Writer
}

// fill returns the directory when it is complete. build writes into a directory beside it, which is renamed when it is complete.
func (c cache) fill(ctx context.Context, build func(dir string) error) (string, error) {
	if c.complete(c.dir) {
		return c.dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(c.dir), 0o755); err != nil {
		return "", fmt.Errorf("creating the cache: %w", err)
	}
	lock, err := filelock.Wait(ctx, c.dir+".lock", func() {
		fmt.Fprintln(c.progress, "waiting for another process that builds the same")
	})
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if c.complete(c.dir) { // built by another process meanwhile
		return c.dir, nil
	}
	return c.dir, c.replace(build)
}

// replace needs the lock: then any unfinished build belongs to a process that has ended.
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
		return err
	}
	if !c.complete(building) {
		return fmt.Errorf("building %s: it lacks one of %v", building, c.names)
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
