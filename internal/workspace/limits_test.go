package workspace

import "testing"

func TestLimits_BoundTheMembersOfAllWorkspaces(t *testing.T) {
	if got := NewLimits(9000); got != (Limits{Workspaces: 9000, Members: 576_000}) {
		t.Errorf("for 9000 workspaces: %+v", got)
	}
	small := NewLimits(1)
	for _, test := range []struct {
		members, others int
		fits            bool
	}{
		{1000, 99_000, true},
		{1000, 99_001, false},
		{65, 99_936, false},
		{64, 1_000_000, true}, // an ordinary workspace always fits
	} {
		if why := small.ExceededBy(test.members, test.others); (why == "") != test.fits {
			t.Errorf("%d beside %d: %q", test.members, test.others, why)
		}
	}
}
