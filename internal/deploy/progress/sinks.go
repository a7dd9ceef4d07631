package progress

import (
	"encoding/json"
	"fmt"
	"io"
)

// Plain shows events as lines, for logs.
func Plain(out io.Writer) Sink { return plain{out} }

type plain struct{ out io.Writer }

// Emit implements [Sink].
func (p plain) Emit(e Event) {
	switch e.State {
	case Started:
	case Progress:
		fmt.Fprintf(p.out, "%s: %s\n", e.Step, e.Message)
	case Output:
		fmt.Fprintf(p.out, "%s| %s\n", e.Step, e.Message)
	case Done, Skipped, Failed:
		fmt.Fprintln(p.out, ending(e))
	}
}

// ending is the line of a step that has ended.
func ending(e Event) string {
	text := fmt.Sprintf("%s: %s", e.Step, e.State)
	if e.State == Done {
		text += fmt.Sprintf(" in %.1fs", e.Seconds)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// JSON writes each event as one line of JSON.
func JSON(out io.Writer) Sink { return jsonLines{json.NewEncoder(out)} }

type jsonLines struct{ encoder *json.Encoder }

// Emit implements [Sink].
func (j jsonLines) Emit(e Event) { _ = j.encoder.Encode(e) }
