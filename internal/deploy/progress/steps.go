// Package progress reports the steps of a deployment: as a spinner and a bar on a terminal, as plain lines elsewhere, or as a stream of
// JSON objects for a program.
package progress

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// State says what happened to a step.
type State string

// The states of a step. Every step starts, and ends as done, skipped or failed.
const (
	Started  State = "started"
	Progress State = "progress"
	Output   State = "output"
	Done     State = "done"
	Skipped  State = "skipped"
	Failed   State = "failed"
)

// Event is one thing that happened to a step. Each line of --progress json is one.
type Event struct {
	Time  time.Time `json:"time"`
	Step  string    `json:"step"`
	State State     `json:"state"`
	// Message is what happened, a line of output, or why the step failed.
	Message string `json:"message,omitempty"`
	// Completed of Total say how far the step is; Total is 0 where that is unknown.
	Completed int `json:"completed,omitempty"`
	Total     int `json:"total,omitempty"`
	// Seconds is how long a step took that has ended.
	Seconds float64 `json:"seconds,omitempty"`
}

// Sink shows events. Its method is called for one event at a time.
type Sink interface{ Emit(e Event) }

// Steps runs steps one after the other and reports them.
type Steps struct {
	mu      sync.Mutex
	sink    Sink
	secrets []string
	now     func() time.Time
}

// New reports to a sink.
func New(sink Sink) *Steps { return &Steps{sink: sink, now: time.Now} }

// Mask replaces a secret in everything that is reported from now on.
func (s *Steps) Mask(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret = strings.TrimSpace(secret); secret != "" {
		s.secrets = append(s.secrets, secret)
	}
}

func (s *Steps) emit(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Time = s.now().UTC()
	for _, secret := range s.secrets {
		e.Message = strings.ReplaceAll(e.Message, secret, "***")
	}
	s.sink.Emit(e)
}

// Run runs a step and reports when it starts and how it ends. The error is the step's.
func (s *Steps) Run(ctx context.Context, name string, do func(context.Context, *Step) error) error {
	step := &Step{steps: s, name: name}
	begin := s.now()
	step.emit(Event{State: Started})
	err := do(ctx, step)
	end := Event{State: Done, Message: step.summary, Seconds: s.now().Sub(begin).Seconds()}
	switch {
	case err != nil:
		end.State, end.Message = Failed, err.Error()
	case step.skipped:
		end.State = Skipped
	}
	step.emit(end)
	return err
}

// Task is a step to run, with what it does.
type Task struct {
	Name string
	Do   func(context.Context, *Step) error
}

// RunAll runs tasks one after the other, until one fails.
func (s *Steps) RunAll(ctx context.Context, tasks ...Task) error {
	for _, t := range tasks {
		if err := s.Run(ctx, t.Name, t.Do); err != nil {
			return err
		}
	}
	return nil
}

// Step is a step that runs.
type Step struct {
	steps   *Steps
	name    string
	summary string
	skipped bool
	last    Event
}

func (s *Step) emit(e Event) {
	e.Step = s.name
	s.steps.emit(e)
}

// Progress reports how far the step is; total is 0 where that is unknown. The same report twice in a row is shown once.
func (s *Step) Progress(completed, total int, message string) {
	e := Event{State: Progress, Completed: completed, Total: total, Message: message}
	if e != s.last {
		s.last = e
		s.emit(e)
	}
}

// Output reports what a program or a pod has printed, line by line.
func (s *Step) Output(text string) {
	for line := range strings.Lines(text) {
		s.emit(Event{State: Output, Message: strings.TrimRight(line, "\r\n")})
	}
}

// Summarize sets what is shown when the step is done.
func (s *Step) Summarize(format string, args ...any) { s.summary = fmt.Sprintf(format, args...) }

// Skip says why the step had nothing to do.
func (s *Step) Skip(format string, args ...any) {
	s.Summarize(format, args...)
	s.skipped = true
}
