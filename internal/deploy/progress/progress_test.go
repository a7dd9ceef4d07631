package progress_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

const secret = "whsec_c2VjcmV0"

var errBroken = errors.New("the cable of " + secret + " is broken")

// steps runs one step of each kind.
func steps(t *testing.T, sink progress.Sink) {
	t.Helper()
	s := progress.New(sink)
	s.Mask(secret)
	s.Mask("") // masks nothing
	skip := func(_ context.Context, step *progress.Step) error {
		step.Skip("it exists")
		return nil
	}
	if err := s.Run(t.Context(), "skip", skip); err != nil {
		t.Fatal(err)
	}
	err := s.Run(t.Context(), "roll_out", func(_ context.Context, step *progress.Step) error {
		for range 2 {
			step.Progress(2, 3, "Updating: 2/3 ready")
		}
		step.Output("one\ntwo " + secret + "\n")
		step.Summarize("%d/3 ready", 3)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), "fail", func(context.Context, *progress.Step) error { return errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("the step returned %v", err)
	}
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	steps(t, progress.JSON(&out))
	var got []progress.Event
	for line := range strings.Lines(out.String()) {
		var e progress.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Time.IsZero() {
			t.Errorf("%q: %v", line, err)
		}
		got = append(got, e)
	}
	want := []progress.Event{
		{Step: "skip", State: progress.Started},
		{Step: "skip", State: progress.Skipped, Message: "it exists"},
		{Step: "roll_out", State: progress.Started},
		{Step: "roll_out", State: progress.Progress, Message: "Updating: 2/3 ready", Completed: 2, Total: 3},
		{Step: "roll_out", State: progress.Output, Message: "one"},
		{Step: "roll_out", State: progress.Output, Message: "two ***"},
		{Step: "roll_out", State: progress.Done, Message: "3/3 ready"},
		{Step: "fail", State: progress.Started},
		{Step: "fail", State: progress.Failed, Message: "the cable of *** is broken"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(progress.Event{}, "Time", "Seconds")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlain(t *testing.T) {
	var out strings.Builder
	steps(t, progress.Plain(&out))
	want := `skip: skipped: it exists
roll_out: Updating: 2/3 ready
roll_out| one
roll_out| two ***
roll_out: done in 0.0s: 3/3 ready
fail: failed: the cable of *** is broken
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTerminal: lines stay on the terminal above a spinner and a bar, which go when their step ends.
func TestTerminal(t *testing.T) {
	var out strings.Builder
	steps(t, progress.Terminal(&out))
	for _, want := range []string{
		"- skip: skipped: it exists\n", "roll_out: Updating: 2/3 ready  66% |", "  two ***\n", "✓ roll_out: done in 0.0s: 3/3 ready\n",
		"✗ fail: failed: the cable of *** is broken\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%q", want, out.String())
		}
	}
}
