package workspaceservice

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// listing is a complete listing, beside the Workspaces as they were before it was read: what came to be later can't be
// missing in it.
type listing struct {
	before map[string]*v1alpha1.Workspace
	listed map[string]bool
	// changes are the events that bring something newer, and refused are the items that break a rule or contradict an
	// accepted event.
	changes []update
	refused []Difference
	// unreadable tells that the listing has an item of which nobody knows what workspace it is.
	unreadable bool
	// kept is the size of the items with changes, in bytes.
	kept int
}

// read reads all pages. Of items that bring nothing new, it keeps the id only.
func (r *Resync) read(ctx context.Context) (*listing, error) {
	var all v1alpha1.WorkspaceList
	if err := r.Cached.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	l := &listing{before: make(map[string]*v1alpha1.Workspace, len(all.Items)), listed: map[string]bool{}}
	for i := range all.Items {
		l.before[all.Items[i].Name] = &all.Items[i]
	}
	err := r.Client.pages(ctx, func(page workspace.Page) error {
		for _, item := range page.Items {
			if updates := l.compare(r.Validator, item); len(updates) > 0 {
				l.changes, l.kept = append(l.changes, updates...), l.kept+len(item)
			}
			switch {
			case l.kept > maxListing:
				return fmt.Errorf("more than %d MiB of it are new", maxListing>>20)
			case len(l.listed)+len(l.refused) > maxItems:
				return fmt.Errorf("it has more than %d items", maxItems)
			}
		}
		return nil
	})
	return l, err
}

// compare gives the events of an item that would change its Workspace, and notes why others can't be taken.
func (l *listing) compare(v *workspace.Validator, item []byte) (updates []update) {
	listed, err := workspace.DecodeListed(item)
	if err != nil || listed.WorkspaceID == "" {
		l.unreadable = true
		l.refuse("", errors.Join(err, errNoID))
		return nil
	}
	if len(listed.WorkspaceID) <= validation.DNS1123LabelMaxLength { // no Workspace has a longer one
		l.listed[listed.WorkspaceID] = true
	}
	events, err := listed.Events()
	if err != nil {
		l.refuse(listed.WorkspaceID, err)
		return nil
	}
	have, known := l.before[listed.WorkspaceID]
	if !known {
		have = workspace.New(listed.WorkspaceID)
		if listed.State == v1alpha1.StateDeleted {
			return nil // it never was here, or is gone: a tombstone would be made anew after every one that expires
		}
	}
	return l.acceptable(v, events, have, listed)
}

var errNoID = errors.New("an item has no workspace_id that can be read")

// acceptable are those of the events that raise a register and pass the edge's own validation. Of a workspace that is
// not known, nothing is taken without its content. A valid event that contradicts an accepted one is reported.
func (l *listing) acceptable(v *workspace.Validator, events []workspace.Event, have *v1alpha1.Workspace, listed workspace.Listed) []update {
	var updates []update
	for _, e := range events {
		if e.Type == workspace.EventUpdated && listed.State == v1alpha1.StateDeleted && listed.Name == "" {
			continue // what is deleted may be listed without its content
		}
		raises, conflict := workspace.Raises(have, e), workspace.Contradiction(have, e)
		if !raises && conflict == nil {
			continue
		}
		err := v.Event(e)
		switch {
		case err == nil && conflict != nil:
			l.refuse(listed.WorkspaceID, conflict)
		case err == nil:
			updates = append(updates, update{event: e, detail: detail(have, e, listed)})
		case raises:
			l.refuse(listed.WorkspaceID, err)
			if have.ResourceVersion == "" {
				return nil
			}
		}
	}
	return updates
}

func detail(have *v1alpha1.Workspace, e workspace.Event, listed workspace.Listed) string {
	switch {
	case have.ResourceVersion == "":
		return fmt.Sprintf("new, %s at %d", listed.State, e.Data.Version)
	case e.Type.HasContent():
		return fmt.Sprintf("%d to %d", have.Spec.Version, e.Data.Version)
	}
	return fmt.Sprintf("%s at %d to %s at %d", have.Spec.State, have.Spec.StateVersion, listed.State, e.Data.Version)
}

func (l *listing) refuse(id string, err error) {
	l.refused = append(l.refused, Difference{WorkspaceID: printable.Text(id, validation.DNS1123LabelMaxLength), What: refusalOf(err), Detail: err.Error()})
}

// refusalOf is the difference that an event is which can't be taken.
func refusalOf(err error) string {
	if _, ok := errors.AsType[*workspace.VersionConflictError](err); ok {
		return DifferenceConflict
	}
	return DifferenceRefused
}

// isOrphan tells whether a Workspace ought to be in the listing and is not. What is deleted may be forgotten there.
func (l *listing) isOrphan(w *v1alpha1.Workspace) bool {
	return !l.listed[w.Name] && w.Spec.State != v1alpha1.StateDeleted && w.DeletionTimestamp.IsZero()
}
