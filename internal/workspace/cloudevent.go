package workspace

import (
	"errors"
	"maps"
	"slices"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/go-json-experiment/json/jsontext"
)

// cloudEvent has the members of a CloudEvent that make an event.
type cloudEvent struct {
	Type       EventType      `json:"type"`
	Time       jsontext.Value `json:"time"`
	Data       jsontext.Value `json:"data"`
	DataBase64 jsontext.Value `json:"data_base64"`
}

// DecodeCloudEvent decodes an event in the JSON format of CloudEvents 1.0: type, time and data are the event's type, timestamp and data.
// Other attributes must be valid, and have no effect. Its errors are those of [DecodeEvent].
func DecodeCloudEvent(body []byte) (Event, error) {
	if err := checkDepth(body); err != nil {
		return Event{}, err
	}
	members, err := decode[cloudEvent](body, "")
	if err != nil {
		return Event{}, err
	}
	if err := checkCloudEvent(body); err != nil {
		return Event{Type: members.Type}, err
	}
	if len(members.DataBase64) > 0 {
		return Event{Type: members.Type}, invalid([]FieldError{{Field: "data_base64", Message: "is not accepted; send data as JSON"}})
	}
	envelope := envelope{Type: members.Type, Timestamp: members.Time, Data: members.Data}
	return envelope.open("time")
}

// checkCloudEvent checks the attributes that CloudEvents requires.
func checkCloudEvent(body []byte) error {
	var e cloudevents.Event
	if err := e.UnmarshalJSON(body); err != nil {
		return &Error{Kind: KindMalformed, Detail: "the body is no CloudEvent 1.0", Err: err}
	}
	wrong, ok := errors.AsType[cloudevents.ValidationError](e.Validate())
	if !ok {
		return nil
	}
	var fields []FieldError
	for _, attribute := range slices.Sorted(maps.Keys(wrong)) {
		fields = append(fields, FieldError{Field: attribute, Message: wrong[attribute].Error()})
	}
	return invalid(fields)
}
