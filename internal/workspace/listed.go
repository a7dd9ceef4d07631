package workspace

import (
	"github.com/go-json-experiment/json/jsontext"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Listed is a workspace as the workspace service lists it: its content and its state.
type Listed struct {
	Data
	State v1alpha1.State `json:"state"`
	// StateVersion is the version of the state; 0 stands for the version of the content.
	StateVersion int64 `json:"state_version,omitzero"`
}

// Page is one page of the workspace service's listing. Its items are not decoded yet.
type Page struct {
	Items []jsontext.Value `json:"items"`
	// NextCursor selects the next page. It is "" on the last one.
	NextCursor string `json:"next_cursor"`
}

// DecodePage decodes a page of the listing as strictly as [DecodeEvent] decodes a body. A page must have items, if only an
// empty array: the answer of another server must not count as an empty listing.
func DecodePage(body []byte) (Page, error) {
	if err := checkDepth(body); err != nil {
		return Page{}, err
	}
	page, err := decode[Page](body, "")
	if err == nil && page.Items == nil {
		err = invalid([]FieldError{{Field: "items", Message: messageRequired}})
	}
	return page, err
}

// DecodeListed decodes one item of a page.
func DecodeListed(item []byte) (Listed, error) {
	listed, err := decode[Listed](item, "")
	if listed.StateVersion == 0 {
		listed.StateVersion = listed.Version
	}
	return listed, err
}

// Events returns the events that bring a workspace to the listed state. Their order gives no member access for a moment that
// the listing does not: a suspension comes before new content, and new content before a resumption.
func (l Listed) Events() ([]Event, error) {
	reference := Data{WorkspaceID: l.WorkspaceID, Version: l.StateVersion}
	content := Event{Type: EventUpdated, Data: l.Data}
	switch l.State {
	case v1alpha1.StateActive:
		if l.Version == l.StateVersion {
			return []Event{{Type: EventCreated, Data: l.Data}}, nil
		}
		return []Event{content, {Type: EventResumed, Data: reference}}, nil
	case v1alpha1.StateSuspended:
		return []Event{{Type: EventSuspended, Data: reference}, content}, nil
	case v1alpha1.StateDeleted:
		return []Event{{Type: EventDeleted, Data: reference}, content}, nil
	}
	return nil, invalid([]FieldError{{Field: "state", Message: "must be one of Active, Suspended, Deleted"}})
}

// Raises reports whether recording e would change w, which may be new.
func Raises(w *v1alpha1.Workspace, e Event) bool {
	return RaisesContent(w, e) || raisesState(w, e)
}

func raisesState(w *v1alpha1.Workspace, e Event) bool {
	return e.Type.setsState() && (IsNew(w) || e.Data.Version > w.Spec.StateVersion)
}
