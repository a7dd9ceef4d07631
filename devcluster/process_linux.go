package devcluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// isPaused reports whether SIGSTOP has stopped every thread; until then, some still answer. It is true for a process that has exited.
func isPaused(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return true
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // this thread has exited
		}
		// The state follows the name in parentheses, which may contain any character (proc_pid_stat(5)).
		if _, state, ok := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" ")); ok && state[0] != 'T' {
			return false
		}
	}
	return true
}
