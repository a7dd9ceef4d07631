package devcluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/child"
)

// process is one component. It ends with this process (see package child), ignores the terminal's Ctrl-C, and writes to a log file.
type process struct {
	name     string
	logPath  string
	logStart int64 // the offset of this start in the log
	cmd      *exec.Cmd
	exited   chan struct{} // closed after it has exited
}

func startProcess(dir, binary string, args ...string) (*process, error) {
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	return startCommand(cmd, dir)
}

// startCommand starts cmd with the log file NAME.log in dir.
func startCommand(cmd *exec.Cmd, dir string) (*process, error) {
	name := filepath.Base(cmd.Path)
	p := &process{name: name, logPath: filepath.Join(dir, name+".log"), cmd: cmd, exited: make(chan struct{})}
	log, err := p.openLog()
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	started := make(chan error, 1)
	go func() {
		defer close(p.exited)
		_ = child.StartAndWait(p.cmd, started) // its log says how it ended
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

func (p *process) openLog() (*os.File, error) {
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p.logStart, err = log.Seek(0, io.SeekEnd)
	return log, err
}

// stop sends SIGTERM, and SIGKILL after the grace period, or SIGKILL at once if grace is 0. It returns when the process has exited. A nil
// process is not running.
func (p *process) stop(grace time.Duration) {
	if p == nil {
		return
	}
	if grace > 0 {
		p.signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(grace):
		}
	}
	p.signal(syscall.SIGKILL)
	<-p.exited
}

func (p *process) signal(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s) // fails only after it has exited
}

// errPortTaken marks a component that exited because its port was taken.
var errPortTaken = errors.New("port taken by another process")

// failure returns an error with the end of the log of a process that has exited.
func (p *process) failure() error {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return fmt.Errorf("%s exited; reading its log: %w", p.name, err)
	}
	text = text[min(int(p.logStart), len(text)):]
	err = fmt.Errorf("%s exited; the end of its log:\n%s", p.name, lastLines(strings.Split(strings.TrimSpace(string(text)), "\n")))
	if strings.Contains(string(text), "address already in use") {
		return errors.Join(errPortTaken, err)
	}
	return err
}

func lastLines(lines []string) string {
	const most = 15
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
