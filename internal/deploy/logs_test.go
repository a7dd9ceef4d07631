package deploy_test

import (
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// TestCopyLog: a second connection repeats nothing, and lines of the same time, or of two streams out of their order, all come.
func TestCopyLog(t *testing.T) {
	t.Parallel()
	last, got := "", []string{}
	for _, log := range []string{"1 one\n3 three\n2 two\n3 and more\n", "2 two\n3 three\n4 four\n"} {
		err := deploy.CopyLog(strings.NewReader(log), &last, func(line string) error {
			got = append(got, line)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := "one, three, two, and more, four"; strings.Join(got, ", ") != want {
		t.Errorf("it copied %q, want %q", got, want)
	}
}
