package workspaceservicetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

// Received is a report as it came in.
type Received struct {
	At time.Time `json:"at"`
	// ID is the webhook-id. The ids of one workspace grow: a report that arrives after one with a higher id is outdated.
	ID     string                  `json:"id"`
	Late   bool                    `json:"late,omitempty"`
	Report workspaceservice.Report `json:"report"`
}

// event is a webhook that was not accepted yet.
type event struct {
	ID          string          `json:"id"`
	WorkspaceID string          `json:"workspace_id"`
	Body        json.RawMessage `json:"body"`
}

// maxRemembered is how many reports of a workspace are kept.
const maxRemembered = 1000

// record is one line of the file: exactly one of its members is set.
type record struct {
	Workspace *workspace.Listed `json:"workspace,omitempty"`
	Event     *event            `json:"event,omitempty"`
	// Sent is the id of an event that was accepted, or is given up.
	Sent   string    `json:"sent,omitempty"`
	Report *Received `json:"report,omitempty"`
}

// journal is the state of the double. Each change is first written to its file as a line.
type journal struct {
	mu         sync.Mutex
	file       io.Writer
	workspaces map[string]workspace.Listed
	events     map[string]event
	reports    map[string][]Received
}

// openJournal reads the file, if it exists, and appends to it. Without a path, the journal is in memory only.
func openJournal(path string) (*journal, error) {
	j := &journal{
		file: io.Discard, workspaces: map[string]workspace.Listed{}, events: map[string]event{}, reports: map[string][]Received{},
	}
	if path == "" {
		return j, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("reading the state: line %d of %s: %w", n, path, err)
		}
		j.apply(r)
	}
	j.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	return j, nil
}

// add writes records as one, and applies them. Its caller holds mu.
func (j *journal) add(records ...record) error {
	var lines bytes.Buffer
	for _, r := range records {
		if err := json.NewEncoder(&lines).Encode(r); err != nil {
			return fmt.Errorf("writing the state: %w", err)
		}
	}
	if _, err := j.file.Write(lines.Bytes()); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	for _, r := range records {
		j.apply(r)
	}
	return nil
}

func (j *journal) apply(r record) {
	switch {
	case r.Workspace != nil:
		j.workspaces[r.Workspace.WorkspaceID] = *r.Workspace
	case r.Event != nil:
		j.events[r.Event.ID] = *r.Event
	case r.Sent != "":
		delete(j.events, r.Sent)
	case r.Report != nil:
		id := r.Report.Report.WorkspaceID
		j.reports[id] = append(j.reports[id], *r.Report)
		j.reports[id] = j.reports[id][max(0, len(j.reports[id])-maxRemembered):]
	}
}

// markSent records that an event needs no more sending.
func (j *journal) markSent(id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.add(record{Sent: id})
}

// addReport records a report of a workspace that is known.
func (j *journal) addReport(r Received) (late, known bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	id := r.Report.WorkspaceID
	if _, known := j.workspaces[id]; !known {
		return false, false, nil
	}
	newest, reported := j.newest(id)
	r.Late = reported && newest.ID > r.ID
	return r.Late, true, j.add(record{Report: &r})
}

// newest is the report with the highest id.
func (j *journal) newest(id string) (newest Received, reported bool) {
	for _, r := range j.reports[id] {
		if !r.Late {
			newest, reported = r, true
		}
	}
	return newest, reported
}

// page returns up to limit workspaces after a cursor, in order of id. Those whose content is not known yet are left out.
func (j *journal) page(after string, limit int) (items []workspace.Listed, next string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(j.workspaces)) {
		if id <= after || j.workspaces[id].Version == 0 {
			continue
		}
		if len(items) == limit {
			return items, items[limit-1].WorkspaceID
		}
		items = append(items, j.workspaces[id])
	}
	return items, ""
}
