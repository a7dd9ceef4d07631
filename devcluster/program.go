package devcluster

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

// Program is a process beside a cluster, such as the service under test. It ends with this process, ignores the terminal's Ctrl-C, and
// writes stdout and stderr to a log file.
type Program struct{ process *process }

// StartProgram starts binary with exactly the environment env. It appends to the log NAME.log in dir.
func StartProgram(dir string, env []string, binary string, args ...string) (*Program, error) {
	cmd := exec.Command(binary, args...)
	cmd.Env = append([]string{}, env...) // not nil, which would inherit the environment
	p, err := startCommand(cmd, dir)
	if err != nil {
		return nil, err
	}
	return &Program{process: p}, nil
}

// Stop sends SIGTERM, and SIGKILL after the grace period, or SIGKILL at once if grace is 0. It returns when the program has exited.
func (p *Program) Stop(grace time.Duration) { p.process.stop(grace) }

// Exited is closed when the program has exited.
func (p *Program) Exited() <-chan struct{} { return p.process.exited }

// ExitCode is the exit code of a program that has exited, -1 if a signal ended it.
func (p *Program) ExitCode() int { return p.process.cmd.ProcessState.ExitCode() }

// Failure returns an error with the end of the log of a program that has exited.
func (p *Program) Failure() error { return p.process.failure() }

// LogPath is the log file.
func (p *Program) LogPath() string { return p.process.logPath }

// FreeAddresses returns n different addresses on 127.0.0.1 that were free a moment ago.
func FreeAddresses(ctx context.Context, n int) ([]string, error) {
	ports, err := freeport.Find(ctx, n)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, n)
	for i, port := range ports {
		addresses[i] = freeport.Address(port)
	}
	return addresses, nil
}

// PID is the program's process id.
func (p *Program) PID() int { return p.process.cmd.Process.Pid }

// Pause stops the program; connections stay open. It returns when every thread has stopped.
func (p *Program) Pause() {
	p.process.signal(syscall.SIGSTOP)
	for !isPaused(p.process.cmd.Process.Pid) {
		runtime.Gosched()
	}
}

// Resume ends Pause.
func (p *Program) Resume() { p.process.signal(syscall.SIGCONT) }
