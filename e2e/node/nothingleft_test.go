package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	realnode "platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// helperVariable makes this test binary start a node of its own and, when its input ends, stop it.
const helperVariable = "E2E_NODE_HELPER"

// runHelper prints the names of what a node could leave behind.
func runHelper() error {
	cluster, err := realnode.Start(context.Background(), realnode.Options{})
	if err != nil {
		return err
	}
	fmt.Println(cluster.Cgroup(), cluster.Logs(), filepath.Dir(cluster.Kubeconfig())) //nolint:forbidigo // for the parent
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	cluster.Stop()
	return nil
}

// nothingLeft starts nodes, stops one, kills the parent of another, and looks for their cgroups, mounts, processes and files.
func nothingLeft(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"stopped", "killed"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			parent := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]) //nolint:gosec // it is this program
			parent.Env = append(os.Environ(), helperVariable+"=true")
			parent.Stderr = t.Output()
			stdin, err := parent.StdinPipe()
			harness.Must(t, err)
			stdout, err := parent.StdoutPipe()
			harness.Must(t, err)
			harness.Must(t, parent.Start())
			line, err := bufio.NewReader(stdout).ReadString('\n')
			harness.Must(t, err)
			names := strings.Fields(line)
			if left := findLeft(t, names); len(left) < len(names) {
				t.Errorf("a running node has only %v: the search for leftovers finds too little", left)
			}
			if end == "killed" {
				harness.Must(t, parent.Process.Kill())
			}
			harness.Must(t, stdin.Close())
			if err := parent.Wait(); end == "stopped" && err != nil {
				t.Error(err)
			}
			var left []string
			if harness.Poll(t.Context(), func(context.Context) bool { left = findLeft(t, names); return len(left) == 0 }) != nil {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// findLeft returns cgroups, directories, mounts and processes with one of the names.
func findLeft(t *testing.T, names []string) (left []string) {
	t.Helper()
	found, err := filepath.Glob(cgroups + "/*/" + names[0])
	harness.Must(t, err)
	left = append(left, found...)
	for _, dir := range names[1:] {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			left = append(left, dir)
		}
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	harness.Must(t, err)
	for _, file := range append(files, "/proc/self/mounts") {
		text, err := os.ReadFile(file)
		for _, name := range names {
			if err == nil && strings.Contains(string(text), name) { // a process may have ended meanwhile
				left = append(left, file+": "+strings.ReplaceAll(string(text), "\x00", " "))
			}
		}
	}
	return left
}
