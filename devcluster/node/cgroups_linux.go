package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/node/machine"
)

// createCgroups creates the node's cgroup in each hierarchy. The kubelet does not create the root that it is given.
func createCgroups(name string) error {
	all, err := machine.Hierarchies()
	if err != nil {
		return err
	}
	for key, dir := range all {
		if key == machine.Unified {
			continue // the kubelet's are those of v1
		}
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("creating the node's cgroup: %w", err)
		}
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} { // they are not inherited
		text, err := os.ReadFile(filepath.Join(all["cpuset"], file))
		if err == nil {
			err = os.WriteFile(filepath.Join(all["cpuset"], name, file), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("giving the node's cgroup the machine's processors: %w", err)
		}
	}
	return nil
}

const (
	removeTimeout  = 10 * time.Second
	removeInterval = 20 * time.Millisecond
)

// removeCgroups removes the node's cgroups. A cgroup is busy until the kernel has finished with its last process.
func removeCgroups(name string) error {
	all, err := machine.Hierarchies()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(removeTimeout)
	for {
		var busy error
		for _, dir := range all {
			busy = errors.Join(busy, removeTree(filepath.Join(dir, name)))
		}
		if busy == nil || time.Now().After(deadline) {
			return busy
		}
		<-time.After(removeInterval)
	}
}

// removeTree removes directories from the leaves up; their files are the kernel's.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeTree(filepath.Join(dir, entry.Name())))
		}
	}
	if err != nil {
		return err
	}
	if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("removing the cgroup %s: %w", dir, err)
	}
	return nil
}
