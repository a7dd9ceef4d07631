package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Terminal shows the running step with a spinner, and with a bar where its length is known.
func Terminal(out io.Writer) Sink { return &terminal{out: out} }

type terminal struct {
	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar
	total int
	stop  chan struct{}
}

const (
	spinnerType     = 14
	barWidth        = 20
	spinnerInterval = 100 * time.Millisecond
)

// Emit implements [Sink].
func (t *terminal) Emit(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.State {
	case Started:
		t.show(0, e.Step)
	case Progress:
		t.show(e.Total, e.Step+": "+e.Message)
		if e.Total > 0 {
			_ = t.bar.Set(e.Completed)
		}
	case Output:
		t.line("  " + e.Message)
	case Done, Skipped, Failed:
		mark := map[State]string{Done: "✓ ", Skipped: "- ", Failed: "✗ "}[e.State]
		t.line(mark + ending(e))
		t.clear()
	}
}

// show shows a description beside a bar of that length, or beside a spinner if the length is 0.
func (t *terminal) show(total int, description string) {
	if t.bar != nil && t.total == total {
		t.bar.Describe(description)
		return
	}
	t.clear()
	t.total = total
	length := total
	if length == 0 {
		length = -1
	}
	t.bar = progressbar.NewOptions(length, progressbar.OptionSetWriter(t.out), progressbar.OptionSetDescription(description),
		progressbar.OptionSpinnerType(spinnerType), progressbar.OptionSetWidth(barWidth), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetRenderBlankState(true), progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetSpinnerChangeInterval(0)) // its own goroutine would write beside ours
	t.stop = make(chan struct{})
	go t.spin(t.bar, t.stop)
}

// spin turns the spinner until it is stopped.
func (t *terminal) spin(bar *progressbar.ProgressBar, stop <-chan struct{}) {
	ticks := time.NewTicker(spinnerInterval)
	defer ticks.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticks.C:
			t.mu.Lock()
			if t.bar == bar {
				_ = bar.Add(0)
			}
			t.mu.Unlock()
		}
	}
}

// line prints a line above the bar.
func (t *terminal) line(text string) {
	if t.bar != nil {
		_ = t.bar.Clear()
	}
	fmt.Fprintln(t.out, text)
}

func (t *terminal) clear() {
	if t.bar != nil {
		close(t.stop)
		_ = t.bar.Exit()
		_ = t.bar.Clear()
		t.bar = nil
	}
}
