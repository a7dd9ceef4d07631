package remedy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/remedy"
)

func TestText_HasSpans(t *testing.T) {
	text := remedy.Text("set `A`, or [restore](#restore-a-workspace) it; see [flyte.md](flyte.md)")
	want := []remedy.Span{
		{Text: "set "},
		{Text: "A", Code: true},
		{Text: ", or "},
		{Text: "restore", Link: "operations.md#restore-a-workspace"},
		{Text: " it; see "},
		{Text: "flyte.md", Link: "flyte.md"},
	}
	if diff := cmp.Diff(want, text.Spans()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const plain = "set A, or restore (docs/operations.md#restore-a-workspace) it; see flyte.md (docs/flyte.md)"
	if got := text.Plain(); got != plain {
		t.Errorf("%q, want %q", got, plain)
	}
	if got := remedy.Text("").Spans(); got != nil {
		t.Errorf("an empty text has the spans %v", got)
	}
}
