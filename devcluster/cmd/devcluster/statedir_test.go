package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestExports_QuoteValues(t *testing.T) {
	const value = `/home/ana's folder/$HOME "x" ; false`
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte(exports(map[string]string{"A": value, "B": "2"})), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-euc", `. "$1"; printf '%s|%s' "$A" "$B"`, "sh", file).CombinedOutput()
	if err != nil || string(out) != value+"|2" {
		t.Errorf("the shell reads %s: %v", out, err)
	}
}

func TestOpenStateDir_RefusesADirectoryInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state of a run")
	dir, lock, err := openStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openStateDir(path); err == nil || !strings.Contains(err.Error(), "another `make run` uses "+dir) {
		t.Errorf("a second run: %v", err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error("a second run removed the state of the first")
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	_, lock, err = openStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := os.Stat(kept); err == nil {
		t.Error("a later run starts with the state of an earlier one")
	}
}
