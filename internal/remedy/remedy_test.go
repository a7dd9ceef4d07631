package remedy_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/remedy"
)

var update = flag.Bool("update", false, "write the tables into docs/operations.md")

func TestOf_KnowsEveryReason(t *testing.T) {
	source, err := os.ReadFile("../../api/v1alpha1/conditions.go")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`Reason\w+ += "(\w+)"`).FindAllSubmatch(source, -1)
	for _, match := range reasons {
		reason := string(match[1])
		got, ok := remedy.Of(reason)
		if !ok || got.Means == "" || got.Do == "" {
			t.Errorf("the remedy for %s is %+v, %t", reason, got, ok)
		}
		if v1alpha1.RequiresAction(reason) && strings.HasPrefix(string(got.Do), "nothing") {
			t.Errorf("%s requires action, and its remedy is %q", reason, got.Do)
		}
	}
	if len(reasons) == 0 {
		t.Error("conditions.go has no reason")
	}
	if got, ok := remedy.Of("FromTheFuture"); ok {
		t.Errorf("the remedy for an unknown reason is %+v", got)
	}
}

// TestDocs_ShowTheSameTables compares docs/operations.md with the code.
func TestDocs_ShowTheSameTables(t *testing.T) {
	const path = "../../docs/operations.md"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	for head, rows := range map[string][]remedy.Remedy{"reason": remedy.Ready(), "condition, reason": remedy.WorkspaceService()} {
		head = "| " + head + " | means | what to do |\n|---|---|---|\n"
		start := strings.Index(page, head)
		if start < 0 {
			t.Fatalf("docs/operations.md has no table %q", head)
		}
		old, _, _ := strings.Cut(page[start:], "\n\n")
		want := head + strings.TrimSuffix(table(rows), "\n")
		if *update {
			page = strings.Replace(page, old, want, 1)
			continue
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(old, "\n")); diff != "" {
			t.Errorf("write it with -update (-code +page):\n%s", diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil { //nolint:gosec // a page of this checkout
			t.Fatal(err)
		}
	}
}

func table(rows []remedy.Remedy) string {
	var text strings.Builder
	for _, row := range rows {
		first := "`" + strings.Join(row.Reasons, "`, `") + "`"
		if condition, status, ok := strings.Cut(row.Condition, " "); ok {
			first = "`" + condition + "` " + status + ", " + first
		}
		fmt.Fprintf(&text, "| %s | %s | %s |\n", first, row.Means, row.Do)
	}
	return text.String()
}
