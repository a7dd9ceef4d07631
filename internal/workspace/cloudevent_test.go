package workspace

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
)

// A CloudEvent that the SDK writes is the same event as ours.
func TestDecodeCloudEvent_ReadsWhatTheSDKWrites(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 41, 0, 0, time.UTC)
	const data = `{"workspace_id":"ws-001","version":7,"name":"Fraud detection",` +
		`"members":[{"kind":"User","name":"ana@company.com","role":"admin"}]}`
	c := cloudevents.New()
	c.SetID("1")
	c.SetSource("https://workspaces.company.com")
	c.SetType("workspace.created")
	c.SetTime(at)
	if err := c.SetData("application/json", json.RawMessage(data)); err != nil {
		t.Fatal(err)
	}
	c.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeCloudEvent(body)
	if err != nil {
		t.Fatal(err)
	}
	want, err := DecodeEvent([]byte(`{"type":"workspace.created","timestamp":"2026-11-20T08:41:00Z","data":` + data + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeCloudEvent_Refuses(t *testing.T) {
	const valid = `{"specversion":"1.0","id":"1","source":"/workspaces","type":"workspace.deleted",` +
		`"data":{"workspace_id":"ws-001","version":7}}`
	if _, err := DecodeCloudEvent([]byte(valid)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, replacement string
		kind             Kind
		field            string
	}{
		"no version":         {`"specversion":"1.0",`, ``, KindMalformed, ""},
		"another version":    {`"specversion":"1.0"`, `"specversion":"7"`, KindMalformed, ""},
		"no id":              {`"id":"1",`, ``, KindInvalid, "id"},
		"no source":          {`"source":"/workspaces",`, ``, KindInvalid, "source"},
		"no type":            {`"type":"workspace.deleted",`, ``, KindInvalid, "type"},
		"no data":            {`"data":{"workspace_id":"ws-001","version":7}`, `"subject":"x"`, KindInvalid, "data"},
		"data in base64":     {`"data":{"workspace_id":"ws-001","version":7}`, `"data_base64":"e30="`, KindInvalid, "data_base64"},
		"two types":          {`"type":`, `"type":"ping","type":`, KindMalformed, ""},
		"two ids in data":    {`"version":7`, `"version":7,"version":8`, KindMalformed, ""},
		"a batch":            {valid, `[` + valid + `]`, KindInvalid, ""},
		"a number as a type": {`"type":"workspace.deleted"`, `"type":7`, KindInvalid, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeCloudEvent([]byte(strings.Replace(valid, c.old, c.replacement, 1)))
			if KindOf(err) != c.kind {
				t.Fatalf("got %v of kind %v, want kind %v", err, KindOf(err), c.kind)
			}
			if fields := asError(t, err).Fields; c.field != "" && (len(fields) == 0 || fields[0].Field != c.field) {
				t.Errorf("fields are %v, want %s", fields, c.field)
			}
		})
	}
}
