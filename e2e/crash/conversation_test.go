package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice/workspaceservicetest"
)

var (
	talks  = flag.Int("talks", 15, "how many workspaces TestConversation changes")
	upsets = flag.Int("upsets", 2, "how often it kills the service, and how often the workspace service")
)

// changesPerTalk are a workspace's creation and what comes after it.
const changesPerTalk = 4

// TestConversation changes workspaces at the workspace service while that and the service are killed again and again.
// In the end both sides agree on every workspace, and no report came after a newer one.
func TestConversation(t *testing.T) {
	env := shared.Env()
	s := startWorkspaceService(t, nil)
	var made atomic.Int64
	var people sync.WaitGroup
	slots := make(chan struct{}, sendersAtOnce)
	for i := range *talks {
		people.Go(func() {
			for n := range changesPerTalk {
				slots <- struct{}{}
				s.changeSomething(t, fmt.Sprintf("talk-%d", i), n)
				<-slots
				made.Add(1)
			}
		})
	}
	total := int64(*talks * changesPerTalk)
	for n := range 2 * *upsets {
		target := int64((float64(n) + rand.Float64()) * float64(total) / float64(2**upsets))
		stretch := time.Now()
		harness.Eventually(t, "some more changes", func(context.Context) bool {
			return made.Load() >= target || time.Since(stretch) > longestStretch
		})
		if n%2 == 0 {
			env.Service.Kill()
			if err := env.Service.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		} else {
			s.kill()
			s.start(t)
		}
	}
	people.Wait()
	reports := 0
	for i := range *talks {
		id := fmt.Sprintf("talk-%d", i)
		var shown workspaceservicetest.Shown
		harness.Eventually(t, "both sides to agree on "+id, func(context.Context) bool {
			shown = s.show(t, id)
			return agrees(shown)
		})
		checkOrder(t, shown)
		checkAgreement(t, shown)
		reports += len(shown.Reports)
	}
	t.Logf("%d changes of %d workspaces, %d SIGKILLs of each side, %d reports", total, *talks, *upsets, reports)
}

// changeSomething creates the workspace first, and then changes anything.
func (s *workspaceServiceDouble) changeSomething(t *testing.T, id string, n int) {
	t.Helper()
	path := "/workspaces/" + id
	body := fmt.Sprintf(`{"name": "Team %s", "description": "Change %d", "quota": {"cpu": "%d"}}`, id, n, n+1)
	if n == 0 {
		s.change(t, http.MethodPut, path, body)
		return
	}
	switch rand.IntN(5) {
	case 0:
		s.change(t, http.MethodPost, path+"/suspend", "")
	case 1:
		s.change(t, http.MethodPost, path+"/resume", "")
	case 2:
		s.change(t, http.MethodDelete, path, "")
	default:
		s.change(t, http.MethodPut, path, body)
	}
}

// agrees reports whether the newest report is about the newest version and its state.
func agrees(shown workspaceservicetest.Shown) bool {
	if len(shown.Reports) == 0 || len(shown.Waiting) > 0 {
		return false
	}
	newest := shown.Reports[len(shown.Reports)-1].Report
	return newest.Version == max(shown.Version, shown.StateVersion) && newest.Status == reportedAs[string(shown.State)]
}

// checkOrder checks that no report came after a newer one.
func checkOrder(t *testing.T, shown workspaceservicetest.Shown) {
	t.Helper()
	for i, r := range shown.Reports {
		if r.Late {
			t.Errorf("%s: report %d was late", shown.WorkspaceID, i)
		}
		if i == 0 {
			continue
		}
		before := shown.Reports[i-1]
		if r.Report.Version < before.Report.Version || r.ID < before.ID {
			t.Errorf("%s: report %s@%d came after %s@%d", shown.WorkspaceID, r.Report.Status, r.Report.Version,
				before.Report.Status, before.Report.Version)
		}
	}
}

// checkAgreement compares the Workspace with what the workspace service has.
func checkAgreement(t *testing.T, shown workspaceservicetest.Shown) {
	t.Helper()
	env := shared.Env()
	w := harness.Get(t, env, &v1alpha1.Workspace{}, "", shown.WorkspaceID)
	newest := shown.Reports[len(shown.Reports)-1].Report
	if w.Spec.Version != shown.Version || w.Spec.StateVersion != shown.StateVersion || w.Spec.State != shown.State ||
		string(w.Spec.Description) != shown.Description || !reflect.DeepEqual(w.Spec.Quota, shown.Quota) {
		t.Errorf("%s is %+v here, and %+v there", w.Name, w.Spec, shown.Listed)
	}
	harness.Eventually(t, "the report of "+w.Name+" to be noted", func(ctx context.Context) bool {
		return env.Admin.Get(ctx, harness.Key(shown.WorkspaceID), w) == nil && w.Status.Reported != nil &&
			w.Status.Reported.Version == newest.Version && w.Status.Reported.Status == newest.Status
	})
}

// TestResyncBringsLostEvents loses every tenth event on purpose. The listings bring all of them.
func TestResyncBringsLostEvents(t *testing.T) {
	env := shared.Env()
	const workspaces, lost = 15, "10"
	s := startWorkspaceService(t, map[string]string{"RESYNC_INTERVAL": "3s"}, "--drop", lost)
	for i := range workspaces {
		for n := range changesPerTalk {
			s.changeSomething(t, fmt.Sprintf("lost-%d", i), n)
		}
	}
	for i := range workspaces {
		id := fmt.Sprintf("lost-%d", i)
		harness.Eventually(t, "both sides to agree on "+id, func(ctx context.Context) bool {
			shown, w := s.show(t, id), &v1alpha1.Workspace{}
			return agrees(shown) && env.Admin.Get(ctx, harness.Key(id), w) == nil && w.Spec.Version == shown.Version &&
				w.Spec.StateVersion == shown.StateVersion && w.Spec.State == shown.State
		})
	}
	if n := s.logged(t, "on purpose"); n == 0 {
		t.Error("no event was lost")
	}
}

// TestSync_PrintsWhatDiffers runs the command while no event arrives. The service has read the listing at its start, before the changes,
// and does not read it again. Without WORKSPACE_API_ENDPOINT it would remove the condition Unlisted.
func TestSync_PrintsWhatDiffers(t *testing.T) {
	env := shared.Env()
	s := startWorkspaceService(t, map[string]string{"RESYNC_INTERVAL": "24h"}, "--drop", "100")
	harness.Eventually(t, "the first listing", func(context.Context) bool { return s.logged(t, "listing is read") > 0 })
	s.change(t, http.MethodPut, "/workspaces/sync-1", `{"name": "Never sent"}`)
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("sync-2", 1)))
	for _, step := range []struct {
		args, want, not string
		code            int
	}{
		{"sync --dry-run", "sync-1 content new, Active at 1", "No differences", 2},
		{"sync", "sync-1 content new, Active at 1", "No differences", 0},
		{"sync --dry-run", "No differences.", "sync-", 0},
		{"get workspaces --unlisted", "sync-2 standard Active", "sync-1", 0},
	} {
		out, code := s.integrationctl(t, step.args)
		if code != step.code || !strings.Contains(out, step.want) || strings.Contains(out, step.not) {
			t.Errorf("integrationctl %s ends with exit code %d and prints\n%s", step.args, code, out)
		}
	}
	env.AwaitReason(t, "sync-1", v1alpha1.ReasonReady)
	if s.logged(t, "on purpose") == 0 {
		t.Error("the event was sent")
	}
}

// integrationctl runs the command line as the cluster's user, and gives its output with single spaces, and its exit code.
func (s *workspaceServiceDouble) integrationctl(t *testing.T, args string) (output string, code int) {
	t.Helper()
	env := shared.Env()
	c := exec.CommandContext(t.Context(), env.Integrationctl, strings.Fields(args)...)
	c.Env = []string{"KUBECONFIG=" + env.Cluster.Kubeconfig(), "WORKSPACE_API_ENDPOINT=" + s.url(), "WORKSPACE_API_SECRET=" + s.secret}
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatalf("integrationctl %s: %v", args, err)
	}
	lines := strings.Split(string(out), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n"), c.ProcessState.ExitCode()
}
