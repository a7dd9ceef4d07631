package binaries

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	terminalInterval = 500 * time.Millisecond
	plainInterval    = 10 * time.Second
	terminalWidth    = 79
	// estimateAfter is the share of the work after which the remaining time is shown.
	estimateAfter = 0.05
)

// Progress shows the progress of all running builds. On a terminal it updates one line; elsewhere it writes a line every ten seconds.
// As an [io.Writer] it takes whole lines, which stay.
type Progress struct {
	out      io.Writer
	terminal bool
	began    time.Time
	stopped  chan struct{}
	ended    chan struct{}

	mu      sync.Mutex
	running []*buildStatus
	shown   bool // the terminal has a line to replace
}

// NewProgress shows progress on out until it is closed.
func NewProgress(out io.Writer) *Progress {
	p := &Progress{out: out, terminal: isTerminal(out), began: time.Now(), stopped: make(chan struct{}), ended: make(chan struct{})}
	go p.show()
	return p
}

// progressOn returns out if it is a Progress, or a new one that writes to out. nil discards.
func progressOn(out io.Writer) (p *Progress, finish func()) {
	if p, ok := out.(*Progress); ok {
		return p, func() {}
	}
	if out == nil {
		out = io.Discard
	}
	p = NewProgress(out)
	return p, p.Close
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// Close removes the updated line.
func (p *Progress) Close() {
	close(p.stopped)
	<-p.ended
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// Write writes whole lines above the updated line.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.out.Write(text)
}

func (p *Progress) begin(b Build) *buildStatus {
	s := newBuildStatus(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, s)
	return s
}

func (p *Progress) end(s *buildStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = slices.DeleteFunc(p.running, func(other *buildStatus) bool { return other == s })
}

func (p *Progress) show() {
	defer close(p.ended)
	interval := plainInterval
	if p.terminal {
		interval = terminalInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stopped:
			return
		case <-ticker.C:
			p.showNow(time.Since(p.began))
		}
	}
}

func (p *Progress) showNow(elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := p.line(elapsed)
	if line == "" {
		return
	}
	p.erase()
	if !p.terminal {
		_, _ = fmt.Fprintln(p.out, line)
		return
	}
	if len(line) > terminalWidth {
		line = line[:terminalWidth]
	}
	_, _ = fmt.Fprint(p.out, line)
	p.shown = true
}

func (p *Progress) erase() {
	if p.shown {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// line is empty while nothing is being built.
func (p *Progress) line(elapsed time.Duration) string {
	if len(p.running) == 0 {
		return ""
	}
	parts := []string{elapsed.Round(time.Second).String()}
	var done, total int64
	known := true
	for _, s := range p.running {
		parts = append(parts, s.String())
		d, t := s.work()
		done, total, known = done+d, total+t, known && t > 0
	}
	if share := float64(done) / float64(max(total, 1)); known && share < 1 {
		parts = append(parts, fmt.Sprintf("%.0f %%", 100*share))
		if share >= estimateAfter {
			left := time.Duration(float64(elapsed) * (1 - share) / share)
			parts = append(parts, "about "+left.Round(10*time.Second).String()+" left")
		}
	}
	return strings.Join(parts, ", ")
}
