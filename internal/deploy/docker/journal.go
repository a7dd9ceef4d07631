package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// The states of a revision. Only their order distinguishes deployed from superseded.
const (
	stateBegun  = "begun"
	stateWorked = "worked"
	stateFailed = "failed"
	stateUnsure = "unknown" // installed without waiting
)

// shownRevisions are the newest ones, and keptImages the images of those that worked.
const (
	shownRevisions = 20
	keptImages     = 5
)

// revision is the record of a deployment. Each is a file of its own in the volume, so that a record that is cut off hides no other one.
type revision struct {
	Number      int       `json:"revision"`
	Time        time.Time `json:"time"`
	Operator    string    `json:"operator"`
	Reason      string    `json:"reason,omitempty"`
	Image       string    `json:"image"`   // as it was named
	ImageID     string    `json:"imageID"` // of the host
	Digest      string    `json:"digest,omitempty"`
	Version     string    `json:"version"`
	Compose     string    `json:"compose"`
	State       string    `json:"state"`
	Explanation string    `json:"explanation,omitempty"`
}

// describe says who deployed the revision, and why.
func (r *revision) describe() string {
	text := "Deployed by " + r.Operator
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	if r.Explanation != "" {
		text += "; " + r.Explanation
	}
	return text
}

// journal has the records of all revisions, the newest last.
type journal []revision

func parseJournal(files map[string][]byte) journal {
	j := journal{}
	for name, text := range files {
		r := revision{}
		if strings.HasSuffix(name, ".json") && json.Unmarshal(text, &r) == nil && r.Number > 0 {
			j = append(j, r)
		}
	}
	slices.SortFunc(j, func(a, b revision) int { return cmp.Compare(a.Number, b.Number) })
	return j
}

func (j journal) next() int {
	if len(j) == 0 {
		return 1
	}
	return j[len(j)-1].Number + 1
}

func (j journal) hasBegun() bool {
	return slices.ContainsFunc(j, func(r revision) bool { return r.State == stateBegun })
}

func (j journal) find(number int) *revision {
	for i := range j {
		if j[i].Number == number {
			return &j[i]
		}
	}
	return nil
}

// newestWorked is the newest revision before a number that worked, or nil.
func (j journal) newestWorked(before int) *revision {
	for i := range slices.Backward(j) {
		if r := &j[i]; r.Number < before && (r.State == stateWorked || r.State == stateUnsure) {
			return r
		}
	}
	return nil
}

// journal reads the records under the lock.
func (op *operation) journal(ctx context.Context) (journal, error) {
	files, err := op.readFiles(ctx, op.files, journalPath)
	return parseJournal(files), err
}

// record writes the record of a revision.
func (op *operation) record(ctx context.Context, r *revision) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	dir := directory("deploy", 0)
	dir.mode = 0o700
	err = op.writeFiles(ctx, op.files, dir, file{name: fmt.Sprintf("deploy/%d.json", r.Number), content: text, mode: 0o600})
	if err != nil {
		return fmt.Errorf("recording revision %d: %w", r.Number, err)
	}
	return nil
}

// conclude records how a revision ended, even if the command was interrupted.
func (op *operation) conclude(ctx context.Context, r *revision, state, explanation string) error {
	ctx, cancel := cleanUp(ctx)
	defer cancel()
	r.State, r.Explanation = state, explanation
	return op.record(ctx, r)
}

// History implements [deploy.Historian].
func (t *Target) History(ctx context.Context) (revisions []deploy.Revision, err error) {
	err = t.connected(ctx, func(ctx context.Context) error {
		files, err := t.readVolume(ctx, "deploy")
		if err != nil {
			return err
		}
		revisions = parseJournal(files).revisions()
		return nil
	})
	return revisions, err
}

func (j journal) revisions() []deploy.Revision {
	all := []deploy.Revision{}
	current := j.newestWorked(j.next())
	first := max(0, len(j)-shownRevisions)
	for i := range j[first:] {
		r := &j[first+i]
		state := map[string]string{stateFailed: "failed", stateBegun: "pending"}[r.State]
		if state == "" {
			state = "superseded"
		}
		if r == current {
			state = "deployed"
		}
		worked := map[string]string{stateWorked: "yes", stateFailed: "no"}[r.State]
		all = append(all, deploy.Revision{
			Number: r.Number, Updated: r.Time, State: state, Worked: cmp.Or(worked, "unknown"), Version: r.Version,
			Image: cmp.Or(r.Digest, r.Image), Description: r.describe(),
		})
	}
	return all
}
