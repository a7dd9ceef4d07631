package workspaceservicetest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Shown is all that is known of one workspace.
type Shown struct {
	workspace.Listed
	// Waiting are the ids of the events that were not accepted yet.
	Waiting []string `json:"waiting"`
	// Reports are those that came in, in that order.
	Reports []Received `json:"reports"`
}

func (s *Service) show(w http.ResponseWriter, r *http.Request) {
	shown, known := s.journal.show(r.PathValue("id"))
	if !known {
		writeError(w, http.StatusNotFound, errUnknown)
		return
	}
	writeJSON(w, http.StatusOK, shown)
}

func (j *journal) show(id string) (shown Shown, known bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	shown = Shown{Waiting: []string{}, Reports: append([]Received{}, j.reports[id]...)}
	shown.Listed, known = j.workspaces[id]
	for _, e := range j.events {
		if e.WorkspaceID == id {
			shown.Waiting = append(shown.Waiting, e.ID)
		}
	}
	return shown, known
}

// table shows each workspace beside its newest report.
func (s *Service) table(w http.ResponseWriter, _ *http.Request) {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "WORKSPACE\tSTATE\tVERSION\tREPORTED\tREASON\tCONSOLE")
	for _, id := range slices.Sorted(maps.Keys(s.journal.workspaces)) {
		l := s.journal.workspaces[id]
		newest, _ := s.journal.newest(id)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s@%d\t%s\t%s\n", id, l.State, max(l.Version, l.StateVersion),
			cmp.Or(newest.Report.Status, "nothing"), newest.Report.Version, newest.Report.Reason, newest.Report.ConsoleURL)
	}
	_ = table.Flush()
}
