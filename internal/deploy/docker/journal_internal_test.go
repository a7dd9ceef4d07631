package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	j := parseJournal(map[string][]byte{
		"2.json":  []byte(`{"revision": 2, "state": "failed", "image": "i:v2", "operator": "ana", "explanation": "not ready"}`),
		"10.json": []byte(`{"revision": 10, "state": "begun", "image": "i:v3", "operator": "ben"}`),
		"1.json":  []byte(`{"revision": 1, "state": "worked", "image": "i:v1", "digest": "i@sha256:1", "operator": "ana", "reason": "first"}`),
		"3.json":  []byte(`{"revision": 3, "state": "unknown", "image": "i:v2", "operator": "ana"}`),
		"4.json":  []byte(`{"revision": 4, "sta`), // cut off
		"notes":   []byte(`{"revision": 5}`),
	})
	want := []deploy.Revision{
		{Number: 1, State: "superseded", Worked: "yes", Image: "i@sha256:1", Description: "Deployed by ana: first"},
		{Number: 2, State: "failed", Worked: "no", Image: "i:v2", Description: "Deployed by ana; not ready"},
		{Number: 3, State: "deployed", Worked: "unknown", Image: "i:v2", Description: "Deployed by ana"},
		{Number: 10, State: "pending", Worked: "unknown", Image: "i:v3", Description: "Deployed by ben"},
	}
	if diff := cmp.Diff(want, j.revisions()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if j.next() != 11 || (journal{}).next() != 1 {
		t.Errorf("the next revision is %d", j.next())
	}
	for number, want := range map[int]int{0: 1, 1: 1, 2: 2, 3: 3} { // 0: the one before the current
		target := &Target{o: Options{Project: "p"}}
		if to, err := target.rollbackTarget(t.Context(), j, number); err != nil || to.Number != want {
			t.Errorf("rollback to %d: %+v, %v", number, to, err)
		}
	}
	_, err := (&Target{}).rollbackTarget(t.Context(), j[:1], 0)
	if deploy.OutcomeOf(err) != deploy.PreflightFailed || !strings.Contains(err.Error(), "no earlier revision that worked") {
		t.Errorf("rollback of the only revision: %v", err)
	}
}

func TestUsageOf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		stats map[string]uint64
		want  string
	}{
		"cgroup v1": {map[string]uint64{"total_inactive_file": 10 << 20, "inactive_file": 1 << 20}, "90Mi"},
		"cgroup v2": {map[string]uint64{"inactive_file": 20 << 20}, "80Mi"},
		"neither":   {nil, "100Mi"},
	} {
		s := statsOf(now, 100<<20, c.stats)
		want := deploy.Usage{Name: "c", CPU: "250m", Memory: c.want}
		if diff := cmp.Diff(want, usageOf("c", s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
