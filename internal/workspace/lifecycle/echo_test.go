package lifecycle

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// oneOfEach are changes by hand to one object of each kind, so that the watch of each kind has told of it when they are repaired.
// What loses the label that the watch selects by ends for it, and begins anew.
func oneOfEach() (changes []drift) {
	seen := map[string]bool{}
	for _, d := range driftOf(childrenOfActive) {
		if !seen[d.object] && d.name != "managed-by removed" {
			seen[d.object] = true
			changes = append(changes, d)
		}
	}
	return changes
}

// TestController_LooksOnceAtWhatItMade counts the looks at a new workspace, and at each thing that somebody changes in it. A
// watch tells in order: what it told of the controller's own writes, it told before the repair of what was changed after them.
func TestController_LooksOnceAtWhatItMade(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("once")
	looks := 1
	for _, d := range oneOfEach() {
		before, altered := s.alter("flyte-once", d)
		s.repaired("flyte-once", before, d.object, altered)
		looks++
	}
	for range 2 {
		s.forge("once")
		looks++
	}
	s.awaitIdle()
	if n := s.looks.at("once"); n != looks {
		t.Errorf("it looked %d times, want one for the workspace and one for each of %d changes by hand", n, looks-1)
	}
}

// forge changes the status by hand, and waits until it is as it was.
func (s *stage) forge(id string) {
	s.t.Helper()
	var w v1alpha1.Workspace
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: id}, &w))
	w.Status.ConsoleURL = "https://example.com"
	must(s.t, s.admin.Status().Update(s.t.Context(), &w))
	eventually(s.t, func(ctx context.Context) error {
		if err := s.admin.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
			return err
		}
		if w.Status.ConsoleURL == "https://example.com" {
			return errors.New("the status is still forged")
		}
		return nil
	})
}

func TestController_TellsItsOwnStatusFromOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	status := func(version, console string) *v1alpha1.Workspace {
		w := s.workspace("told")
		w.ResourceVersion, w.Status.ConsoleURL = version, console
		return w
	}
	before, ours := status("1", ""), status("2", "ours")
	write := func(err error) {
		_ = s.controller.Applier.Expecting(ours.Name, statusOf(ours), "1", wishOf(&ours.Status), func() (string, error) { return "2", err })
	}
	reported := status("2", "")
	reported.Status.Reported = &v1alpha1.Reported{Version: 1, Time: metav1.Now()}
	spec := ours.DeepCopy()
	spec.Generation++
	for _, c := range []struct {
		name          string
		before, after *v1alpha1.Workspace
		failed        error
		want          bool
	}{
		{"ours", before, ours, nil, false},
		{"another status", before, status("2", "theirs"), nil, true},
		{"the same status again, later", status("3", "theirs"), status("4", "ours"), nil, true},
		{"ours together with a new spec", before, spec, nil, true},
		{"a write that failed", before, ours, errors.New("cut off"), true},
		{"what was reported", before, reported, nil, false},
		{"no status", before, status("2", ""), nil, false},
	} {
		write(c.failed)
		if got := s.controller.workspaceChanged(c.before, c.after); got != c.want {
			t.Errorf("%s: it is looked at: %v", c.name, got)
		}
	}
	write(nil)
	got := []bool{s.controller.workspaceChanged(before, ours), s.controller.workspaceChanged(before, ours)}
	if diff := cmp.Diff([]bool{false, true}, got); diff != "" {
		t.Errorf("one write has one event (-want +got):\n%s", diff)
	}
}
