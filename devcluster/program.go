package devcluster

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

// Program is another process beside a cluster, such as the service under test.
// It ends when we end in any way, does not get the terminal's Ctrl-C, and writes
// both of its outputs to a log file.
type Program struct{ process *process }

// StartProgram starts binary with exactly the environment env. Its log is
// NAME.log in dir, appended to.
func StartProgram(dir string, env []string, binary string, args ...string) (*Program, error) {
	cmd := exec.Command(binary, args...)
	cmd.Env = append([]string{}, env...) // not nil, which would mean ours
	p, err := startCommand(cmd, dir)
	if err != nil {
		return nil, err
	}
	return &Program{process: p}, nil
}

// Stop asks the program to end, kills it after grace, and waits for its end.
// Without a grace it is killed at once, as by SIGKILL.
func (p *Program) Stop(grace time.Duration) { p.process.stop(grace) }

// Exited is closed when the program has ended.
func (p *Program) Exited() <-chan struct{} { return p.process.exited }

// ExitCode is that of a program that has ended, or -1 when a signal has ended it.
func (p *Program) ExitCode() int { return p.process.cmd.ProcessState.ExitCode() }

// Failure says how a program ended, by the end of its log.
func (p *Program) Failure() error { return p.process.failure() }

// LogPath is where both outputs go.
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

// Pause freezes the program where it is; connections stay open. When it returns, every thread has stopped.
func (p *Program) Pause() {
	p.process.signal(syscall.SIGSTOP)
	for !isPaused(p.process.cmd.Process.Pid) {
		runtime.Gosched()
	}
}

// Resume ends Pause.
func (p *Program) Resume() { p.process.signal(syscall.SIGCONT) }
