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
	// Waiting are the ids of the events that were not taken yet.
	Waiting []string `json:"waiting"`
	// Reports are those that came in, in that order.
	Reports []Received `json:"reports"`
}

func (s *Service) show(w http.ResponseWriter, r *http.Request) {
	shown, known := s.book.show(r.PathValue("id"))
	if !known {
		refuse(w, http.StatusNotFound, errUnknown)
		return
	}
	answer(w, http.StatusOK, shown)
}

func (b *book) show(id string) (shown Shown, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	shown = Shown{Waiting: []string{}, Reports: append([]Received{}, b.reports[id]...)}
	shown.Listed, known = b.workspaces[id]
	for _, e := range b.events {
		if e.WorkspaceID == id {
			shown.Waiting = append(shown.Waiting, e.ID)
		}
	}
	return shown, known
}

// table is for people: what is asked for, beside what was reported last.
func (s *Service) table(w http.ResponseWriter, _ *http.Request) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "WORKSPACE\tSTATE\tVERSION\tREPORTED\tREASON\tCONSOLE")
	for _, id := range slices.Sorted(maps.Keys(s.book.workspaces)) {
		l := s.book.workspaces[id]
		newest, _ := s.book.newest(id)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s@%d\t%s\t%s\n", id, l.State, max(l.Version, l.StateVersion),
			cmp.Or(newest.Report.Status, "nothing"), newest.Report.Version, newest.Report.Reason, newest.Report.ConsoleURL)
	}
	_ = table.Flush()
}
