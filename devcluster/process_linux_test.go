package devcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStart_EndsWithAKilledParent(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(binary)
	parent.Env = append(os.Environ(), helperVariable+"=1")
	parent.Stderr = t.Output()
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var printed []string
	for range 4 {
		lines.Scan()
		printed = append(printed, lines.Text())
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for _, pid := range printed[:3] {
		eventually(t, func(context.Context) error { return gone(pid) })
	}

	// The old state directory of a killed process is removed; that of a running one is not.
	dir := printed[3]
	running, err := openState("")
	if err != nil {
		t.Fatal(err)
	}
	defer running.close()
	age(t, dir)
	age(t, running.dir)
	next, err := openState("")
	if err != nil {
		t.Fatal(err)
	}
	defer next.close()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory of a killed cluster stays: %v", err)
	}
	if _, err := os.Stat(running.dir); err != nil {
		t.Errorf("the directory of a running cluster was removed: %v", err)
	}
}

func age(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
}

// gone returns nil if the process has exited, waited for or not.
func gone(pid string) error {
	stat, _ := os.ReadFile("/proc/" + pid + "/stat") // empty without the process
	if len(stat) > 0 && !strings.Contains(string(stat), ") Z ") {
		return fmt.Errorf("still running: %s", stat)
	}
	return nil
}

// TestStartProcess_OutlivesTheThreadOfItsCaller: Linux sends the parent-death signal when the thread that forked ends.
func TestStartProcess_OutlivesTheThreadOfItsCaller(t *testing.T) {
	t.Parallel()
	p, thread := startFromItsOwnThread(t)
	eventually(t, func(context.Context) error {
		if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(thread)); err == nil {
			return errors.New("the thread has not ended")
		}
		return nil
	})
	if err := exec.Command("true").Run(); err != nil { // time for the signal, and for the end to be noticed
		t.Fatal(err)
	}
	if gone(strconv.Itoa(p.cmd.Process.Pid)) == nil {
		t.Error("the process ended with its caller's thread")
	}
	if group, err := syscall.Getpgid(p.cmd.Process.Pid); group != p.cmd.Process.Pid || err != nil {
		t.Errorf("the process is in group %d (%v), where the terminal's Ctrl-C reaches it", group, err)
	}
}

// startFromItsOwnThread starts a process from a thread that ends then.
func startFromItsOwnThread(t *testing.T) (p *process, thread int) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		thread = syscall.Gettid()
		if thread == os.Getpid() { // the main thread never ends
			done <- nil
			return
		}
		var err error
		p, err = startProcess(t.TempDir(), "/bin/sleep", "60")
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if p == nil { // the main thread is parked now, so this happens once
		return startFromItsOwnThread(t)
	}
	t.Cleanup(func() { p.stop(0) })
	return p, thread
}
