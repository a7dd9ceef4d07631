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

// comparison is a complete listing, compared with the Workspaces before it was read: a later Workspace can't be missing in it.
type comparison struct {
	workspaces map[string]*v1alpha1.Workspace
	listed     map[string]bool
	// updates are the events that raise a register; refused are the items that break a rule or contradict an accepted event.
	updates []update
	refused []Difference
	// unreadable says that an item has no readable workspace id.
	unreadable bool
	// size is that of the items with updates, in bytes.
	size int
}

// update is an event that raises a register of its Workspace.
type update struct {
	event workspace.Event
	// detail says what changes.
	detail string
}

// compare reads all pages. It keeps only the id of an item that brings nothing new.
func (r *Resync) compare(ctx context.Context) (*comparison, error) {
	var all v1alpha1.WorkspaceList
	if err := r.Cached.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	c := &comparison{workspaces: make(map[string]*v1alpha1.Workspace, len(all.Items)), listed: map[string]bool{}}
	for i := range all.Items {
		c.workspaces[all.Items[i].Name] = &all.Items[i]
	}
	err := r.Client.readListing(ctx, func(page workspace.Page) error {
		for _, item := range page.Items {
			c.add(r.Validator, item)
			switch {
			case c.size > maxNewer:
				return fmt.Errorf("more than %d MiB of it are new", maxNewer>>20)
			case len(c.listed)+len(c.refused) > maxItems:
				return fmt.Errorf("it has more than %d items", maxItems)
			}
		}
		return nil
	})
	return c, err
}

var errNoID = errors.New("the item has no readable workspace_id")

// add compares an item with its Workspace.
func (c *comparison) add(v *workspace.Validator, item []byte) {
	listed, err := workspace.DecodeListed(item)
	if err != nil || listed.WorkspaceID == "" {
		c.unreadable = true
		c.refuse("", errors.Join(err, errNoID))
		return
	}
	id := listed.WorkspaceID
	if len(id) <= validation.DNS1123LabelMaxLength { // no Workspace has a longer one
		c.listed[id] = true
	}
	events, err := listed.Events()
	if err != nil {
		c.refuse(id, err)
		return
	}
	w, exists := c.workspaces[id]
	if !exists {
		if listed.State == v1alpha1.StateDeleted {
			return // otherwise a tombstone would be created again after each one that expires
		}
		w = workspace.New(id)
	}
	if updates := c.raising(v, events, w, listed); len(updates) > 0 {
		c.updates, c.size = append(c.updates, updates...), c.size+len(item)
	}
}

// raising returns the valid events that raise a register; for a new workspace, none without content. A valid event that
// contradicts an accepted one is refused.
func (c *comparison) raising(
	v *workspace.Validator, events []workspace.Event, w *v1alpha1.Workspace, listed workspace.Listed,
) (updates []update) {
	for _, e := range events {
		if e.Type == workspace.EventUpdated && listed.State == v1alpha1.StateDeleted && listed.Name == "" {
			continue // a deleted workspace may be listed without its content
		}
		raises, conflict := workspace.Raises(w, e), workspace.VersionConflict(w, e)
		if !raises && conflict == nil {
			continue
		}
		err := v.Event(e)
		switch {
		case err == nil && conflict != nil:
			c.refuse(listed.WorkspaceID, conflict)
		case err == nil:
			updates = append(updates, update{event: e, detail: detail(w, e, listed)})
		case raises:
			c.refuse(listed.WorkspaceID, err)
			if w.ResourceVersion == "" {
				return nil
			}
		}
	}
	return updates
}

func detail(w *v1alpha1.Workspace, e workspace.Event, listed workspace.Listed) string {
	switch {
	case w.ResourceVersion == "":
		return fmt.Sprintf("new, %s at %d", listed.State, e.Data.Version)
	case e.Type.HasContent():
		return fmt.Sprintf("%d to %d", w.Spec.Version, e.Data.Version)
	}
	return fmt.Sprintf("%s at %d to %s at %d", w.Spec.State, w.Spec.StateVersion, listed.State, e.Data.Version)
}

func (c *comparison) refuse(id string, err error) {
	c.refused = append(c.refused, Difference{printable.Text(id, validation.DNS1123LabelMaxLength), refusedKind(err), err.Error()})
}

// refusedKind is the kind of the difference that an event is which can't be stored.
func refusedKind(err error) string {
	if _, ok := errors.AsType[*workspace.VersionConflictError](err); ok {
		return DifferenceConflict
	}
	return DifferenceRefused
}
