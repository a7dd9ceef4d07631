package workspace

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// sample is the event of the contract.
const sample = `{
  "type": "workspace.created",
  "timestamp": "2026-11-20T08:41:00Z",
  "data": {
    "workspace_id": "ws-001",
    "version": 7,
    "name": "Fraud detection",
    "description": "Card fraud models",
    "owner": "ana@company.com",
    "tier": "standard",
    "quota": {"cpu": "40", "memory": "160Gi", "gpu": "4", "storage": "1Ti", "pods": "200"},
    "members": [
      {"kind": "User",  "name": "ana@company.com", "role": "admin"},
      {"kind": "Group", "name": "ml-team",         "role": "editor"}
    ],
    "labels": {"cost-center": "42"}
  }
}`

func sampleEvent() Event {
	return Event{
		Type: EventCreated, Timestamp: time.Date(2026, 11, 20, 8, 41, 0, 0, time.UTC),
		Data: Data{
			WorkspaceID: "ws-001", Version: 7, Name: "Fraud detection", Description: "Card fraud models",
			Owner: "ana@company.com", Tier: "standard",
			Quota: v1alpha1.Quota{CPU: "40", Memory: "160Gi", GPU: "4", Storage: "1Ti", Pods: "200"},
			Members: []v1alpha1.Member{
				{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
				{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
			},
			Labels: map[string]string{"cost-center": "42"},
		},
	}
}

func TestDecodeEvent_IgnoresUnknownMembers(t *testing.T) {
	tests := []struct {
		name, body string
		want       Event
	}{
		{"the contract's sample", sample, sampleEvent()},
		{
			"unknown members are ignored", `{"type":"workspace.updated","id":1,"data":{"workspace_id":"a","x":{"y":[1,{"z":null}]}}}`,
			Event{Type: EventUpdated, Data: Data{WorkspaceID: "a"}},
		},
		{
			"names are case-sensitive", `{"type":"workspace.updated","TYPE":"x","data":{"workspace_id":"a","Workspace_ID":"b","Name":"c"}}`,
			Event{Type: EventUpdated, Data: Data{WorkspaceID: "a"}},
		},
		{
			"null is absent", `{"type":"workspace.updated","timestamp":null,"data":{"workspace_id":"a","version":null,"quota":null,"members":null}}`,
			Event{Type: EventUpdated, Data: Data{WorkspaceID: "a"}},
		},
		{
			"the highest version", `{"type":"workspace.deleted","data":{"workspace_id":"a","version":9007199254740991}}`,
			Event{Type: EventDeleted, Data: Data{WorkspaceID: "a", Version: MaxVersion}},
		},
		{
			"without content, id and version alone",
			`{"type":"workspace.deleted","timestamp":"2026-11-28T18:00:00.1","data":{"workspace_id":"a","version":1,"name":7,"members":"all"}}`,
			Event{Type: EventDeleted, Data: Data{WorkspaceID: "a", Version: 1}},
		},
		{
			"a version with a fraction of zero", `{"type":"workspace.deleted","timestamp":7,"data":{"workspace_id":"a","version":7.0}}`,
			Event{Type: EventDeleted, Data: Data{WorkspaceID: "a", Version: 7}},
		},
		{"the data of a ping is not read", `{"type":"ping","timestamp":7,"data":"hello"}`, Event{Type: EventPing}},
		{"nor that of an unknown type", `{"type":"workspace.renamed","data":[]}`, Event{Type: "workspace.renamed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := DecodeEvent([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeEvent_RefusesWrongTypes(t *testing.T) {
	const wholeNumber = "must be a whole number"
	data := func(members string) string { return `{"type":"workspace.created","data":{` + members + `}}` }
	tests := []struct {
		name, body string
		want       FieldError
	}{
		{"an array", `[]`, FieldError{"body", "must be an object"}},
		{"null type", `{"type":null}`, FieldError{"type", "is required"}},
		{"no type", `{}`, FieldError{"type", "is required"}},
		{"type", `{"type":1}`, FieldError{"type", "must be a string"}},
		{"no data", `{"type":"workspace.created"}`, FieldError{"data", "is required"}},
		{"data", `{"type":"workspace.created","data":"ws-001"}`, FieldError{"data", "must be an object"}},
		{"timestamp", `{"type":"workspace.created","timestamp":1,"data":{}}`, FieldError{"timestamp", "must be an RFC 3339 date and time"}},
		{
			"timestamp without zone", `{"type":"workspace.updated","timestamp":"2026-11-28T18:00:00.1","data":{}}`,
			FieldError{"timestamp", "must be an RFC 3339 date and time"},
		},
		{"id", data(`"workspace_id":1`), FieldError{"data.workspace_id", "must be a string"}},
		{"id of a deletion", `{"type":"workspace.deleted","data":{"workspace_id":true}}`, FieldError{"data.workspace_id", "must be a string"}},
		{"version as text", data(`"version":"7"`), FieldError{"data.version", wholeNumber}},
		{"version 7.0000000000000000001", data(`"version":7.0000000000000000001`), FieldError{"data.version", wholeNumber}},
		{"version 1e999999999", data(`"version":1e999999999`), FieldError{"data.version", wholeNumber}},
		{"version 1e-1", data(`"version":1e-1`), FieldError{"data.version", wholeNumber}},
		{"version 7.5", data(`"version":7.5`), FieldError{"data.version", wholeNumber}},
		{"version 2^63", data(`"version":9223372036854775808`), FieldError{"data.version", wholeNumber}},
		{"a version of 200,000 digits", data(`"version":1` + strings.Repeat("0", 200_000)), FieldError{"data.version", wholeNumber}},
		{"quota", data(`"quota":[]`), FieldError{"data.quota", "must be an object"}},
		{"quantity", data(`"quota":{"cpu":40}`), FieldError{"data.quota.cpu", "must be a string"}},
		{"members", data(`"members":{}`), FieldError{"data.members", "must be an array"}},
		{"member", data(`"members":[{},"ana"]`), FieldError{"data.members[1]", "must be an object"}},
		{"member's name", data(`"members":[{},{"name":[]}]`), FieldError{"data.members[1].name", "must be a string"}},
		{"label", data(`"labels":{"a/b":1}`), FieldError{"data.labels[a/b]", "must be a string"}},
		{"a label like an index", data(`"labels":{"7":1}`), FieldError{"data.labels[7]", "must be a string"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := DecodeEvent([]byte(test.body))
			want := &Error{Kind: KindInvalid, Detail: "the request is invalid", Fields: []FieldError{test.want}}
			if diff := cmp.Diff(want, asError(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeEvent_RefusesOtherThanJSON(t *testing.T) {
	const inData = `{"type":"workspace.created","data":{"workspace_id":"a",%s}}`
	tests := []struct{ name, body, want string }{
		{"empty", ``, "the body is not a JSON document: at byte 0"},
		{"cut", `{"type":"ping"`, "the body is not a JSON document: at byte 14"},
		{"two documents", `{"type":"ping"}{}`, "the body is not a JSON document: at byte 15"},
		{"byte order mark", "\ufeff{}", "the body is not a JSON document: at byte 0"},
		{"a raw NUL", "{\"type\":\"pi\x00ng\"}", "the body is not a JSON document: at byte 11"},
		{"invalid UTF-8", "{\"type\":\"\xff\"}", "the body is not a JSON document: at byte 9"},
		{"invalid UTF-8 in an unknown member", "{\"type\":\"ping\",\"x\":[\"\xff\"]}", "the body is not a JSON document: at byte 21"},
		{"half a surrogate", `{"type":"\ud800"}`, "the body is not a JSON document: at byte 9"},
		{"a comment", `{/**/"type":"ping"}`, "the body is not a JSON document: at byte 1"},
		{"a NaN", `{"type":NaN}`, "the body is not a JSON document: at byte 8"},
		{"type twice", `{"type":"ping","type":"workspace.deleted"}`, `the body has the member "type" twice`},
		{"type twice, once escaped", `{"type":"ping","\u0074ype":"workspace.deleted"}`, `the body has the member "type" twice`},
		{"an unknown member twice", `{"type":"ping","x":1,"x":1}`, `the body has the member "x" twice`},
		{"deep in an unknown member", `{"type":"ping","x":[{"y":{"z":1,"z":1}}]}`, `the body has the member "x[0].y.z" twice`},
		{"in the data", fmt.Sprintf(inData, `"workspace_id":"b"`), `the body has the member "data.workspace_id" twice`},
		{"in a quota", fmt.Sprintf(inData, `"quota":{"cpu":"1","cpu":"2"}`), `the body has the member "data.quota.cpu" twice`},
		{
			"in a member", fmt.Sprintf(inData, `"members":[{"role":"viewer","role":"admin"}]`),
			`the body has the member "data.members[0].role" twice`,
		},
		{"in the labels", fmt.Sprintf(inData, `"labels":{"a/b":"","a/b":""}`), `the body has the member "data.labels[a/b]" twice`},
		{"in unknown data", fmt.Sprintf(inData, `"x":{"y":1,"y":1}`), `the body has the member "data.x.y" twice`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := DecodeEvent([]byte(test.body))
			got := asError(t, err)
			if diff := cmp.Diff(Error{Kind: KindMalformed, Detail: test.want}, Error{Kind: got.Kind, Detail: got.Detail}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeData_DecodesTheDataObject(t *testing.T) {
	got, err := DecodeData([]byte(`{"workspace_id":"ws-001","name":"A","workspace":{}}`))
	if diff := cmp.Diff(Data{WorkspaceID: "ws-001", Name: "A"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for body, want := range map[string]FieldError{
		`7`:                    {"body", "must be an object"},
		`{"quota":{"pods":7}}`: {"quota.pods", "must be a string"},
		`{"members":[{"role":null},` + `{"kind":0}]}`: {"members[1].kind", "must be a string"},
	} {
		_, err := DecodeData([]byte(body))
		if diff := cmp.Diff([]FieldError{want}, asError(t, err).Fields); diff != "" {
			t.Error(diff)
		}
	}
}

// Errors quote long or unprintable text of a sender neither in answers nor in the log.
func TestDecodeEvent_BoundsQuotedText(t *testing.T) {
	long := strings.Repeat("k", 200_000)
	bodies := map[string]string{
		"duplicate":    fmt.Sprintf(`{"type":"ping","%[1]s":1,"%[1]s":2}`, long),
		"nested":       `{"type":"ping","x":` + strings.Repeat(`[`, 200_000) + `}`,
		"deep path":    strings.Repeat(`{"x":`, 9_000) + `{"y":1,"y":1}` + strings.Repeat(`}`, 9_000),
		"label":        fmt.Sprintf(`{"type":"workspace.created","data":{"labels":{%q:1}}}`, long),
		"text cut off": `{"type":"` + long,
		"controls":     `{"type":"workspace.created","data":{"labels":{"\u202e\n\u001b[2J":1}}}`,
		"bad literal":  `{"type":n` + long + `}`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := DecodeEvent([]byte(body))
			if got := asError(t, err).Error(); len(got) > 1000 || !printable.Is(got) {
				t.Errorf("%d bytes: %.2000q", len(got), got)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestEventType_Known(t *testing.T) {
	for kind, want := range map[EventType]bool{
		EventCreated: true, EventUpdated: true, EventSuspended: true, EventResumed: true, EventDeleted: true, EventPing: true,
		"workspace.Created": false, "workspace.renamed": false, "": false,
	} {
		if got := kind.Known(); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
}

func asError(t testing.TB, err error) *Error {
	t.Helper()
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	return refusal
}
