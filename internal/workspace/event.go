package workspace

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// EventType is the type of an event.
type EventType string

// The event types. Any other type is ignored, so that senders can evolve.
const (
	EventCreated   EventType = "workspace.created"
	EventUpdated   EventType = "workspace.updated"
	EventSuspended EventType = "workspace.suspended"
	EventResumed   EventType = "workspace.resumed"
	EventDeleted   EventType = "workspace.deleted"
	EventPing      EventType = "ping"
)

// MaxVersion is the highest version: the largest integer that every JSON implementation keeps exactly (RFC 7493).
const MaxVersion = 1<<53 - 1

// Event is the body of a webhook.
type Event struct {
	Type      EventType `json:"type"`
	Timestamp time.Time `json:"timestamp,omitzero"`
	Data      Data      `json:"data"`
}

// Data is the desired workspace as the workspace service sees it.
type Data struct {
	WorkspaceID string            `json:"workspace_id"`
	Version     int64             `json:"version,omitzero"`
	Name        string            `json:"name,omitzero"`
	Description string            `json:"description,omitzero"`
	Owner       string            `json:"owner,omitzero"`
	Tier        string            `json:"tier,omitzero"`
	Quota       v1alpha1.Quota    `json:"quota,omitzero"`
	Members     []v1alpha1.Member `json:"members,omitzero"`
	Labels      map[string]string `json:"labels,omitzero"`
}

// Known reports whether the service acts on events of this type.
func (t EventType) Known() bool { return t == EventPing || t.HasContent() || t.setsState() }

// HasContent reports whether events of this type carry the whole desired content.
func (t EventType) HasContent() bool { return t == EventCreated || t == EventUpdated }

func (t EventType) setsState() bool { return t.state() != "" }

// state returns what an event of this type sets the state register to, or "" if it does not.
func (t EventType) state() v1alpha1.State {
	switch t {
	case EventCreated, EventResumed:
		return v1alpha1.StateActive
	case EventSuspended:
		return v1alpha1.StateSuspended
	case EventDeleted:
		return v1alpha1.StateDeleted
	case EventUpdated, EventPing:
	}
	return ""
}

// envelope defers the decoding of the data: only events of a known type must have it in our form.
type envelope struct {
	Type      EventType      `json:"type"`
	Timestamp jsontext.Value `json:"timestamp"`
	Data      jsontext.Value `json:"data"`
}

// reference is the data of an event without content.
type reference struct {
	WorkspaceID string `json:"workspace_id"`
	Version     int64  `json:"version"`
}

// DecodeEvent decodes the body of a webhook. Member names are case-sensitive, and unknown ones are ignored. A duplicate name
// is malformed (RFC 8259 leaves its meaning open), as is nesting beyond [MaxDepth]. It does not decode the data of a ping or of
// an unknown type, nor the timestamp of an event without content. A KindInvalid error lists every member of the wrong type; the
// event then has all other members.
func DecodeEvent(body []byte) (Event, error) {
	if err := checkDepth(body); err != nil {
		return Event{}, err
	}
	envelope, err := decode[envelope](body, "")
	if err != nil {
		return Event{}, err
	}
	return envelope.open("timestamp")
}

// open decodes the data. timeMember is the name of the member with the timestamp.
func (envelope *envelope) open(timeMember string) (event Event, err error) {
	event = Event{Type: envelope.Type}
	if event.Type == "" {
		return event, invalid([]FieldError{{Field: "type", Message: messageRequired}})
	}
	if !event.Type.Known() || event.Type == EventPing {
		return event, nil
	}
	if len(envelope.Data) == 0 {
		return event, invalid([]FieldError{{Field: "data", Message: messageRequired}})
	}
	if !event.Type.HasContent() {
		event.Data, err = decodeReference(envelope.Data)
		return event, err
	}
	var dataErr, timestampErr error
	event.Data, dataErr = decode[Data](envelope.Data, "data")
	event.Timestamp, timestampErr = decodeTimestamp(envelope.Timestamp, timeMember)
	return event, joinInvalid(dataErr, timestampErr)
}

// DecodeData decodes the body of /provision: the data object alone. Its errors are those of [DecodeEvent].
func DecodeData(body []byte) (Data, error) {
	if err := checkDepth(body); err != nil {
		return Data{}, err
	}
	return decode[Data](body, "")
}

// decodeReference decodes the data of an event without content: id and version.
func decodeReference(data jsontext.Value) (Data, error) {
	reference, err := decode[reference](data, "data")
	return Data{WorkspaceID: reference.WorkspaceID, Version: reference.Version}, err
}

func decodeTimestamp(raw jsontext.Value, member string) (at time.Time, err error) {
	if len(raw) == 0 {
		return at, nil
	}
	if err := json.Unmarshal(raw, &at); err != nil {
		return at, invalid([]FieldError{{Field: member, Message: "must be an RFC 3339 date and time"}})
	}
	return at, nil
}
