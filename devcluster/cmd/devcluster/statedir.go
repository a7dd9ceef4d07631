package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/devcluster/filelock"
)

const lockFile = "lock"

// openStateDir empties the state directory, and locks it against other runs until the lock is closed.
func openStateDir(path string) (dir string, lock io.Closer, err error) {
	if dir, err = filepath.Abs(path); err != nil {
		return "", nil, fmt.Errorf("finding the state directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("creating the state directory: %w", err)
	}
	if lock, err = filelock.Try(filepath.Join(dir, lockFile)); err != nil {
		return "", nil, fmt.Errorf("another `make run` uses %s; stop it first, or use another checkout: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, fmt.Errorf("emptying the state directory: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return "", nil, fmt.Errorf("emptying the state directory: %w", err)
		}
	}
	return dir, lock, nil
}

// exports returns shell commands that export these variables. It quotes the values.
func exports(variables map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		fmt.Fprintf(&text, "export %s='%s'\n", name, strings.ReplaceAll(variables[name], "'", `'\''`))
	}
	return text.String()
}
