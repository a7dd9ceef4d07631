package workspace

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// One answer lists all errors, so that the sender can correct them at once.
func TestValidator_DecodeListsAllErrorsAtOnce(t *testing.T) {
	v := newValidator(t)
	const data = `"workspace_id":"ws-001","version":"7","name":"","tier":1,"quota":{"cpu":40,"gpu":"1k"},` +
		`"members":[{"kind":"User","name":7,"role":"admin"},"ana",{"kind":"Robot","name":"a","role":"admin"}],"labels":{"a":1,"b":" "}`
	want := func(at string) []FieldError {
		return []FieldError{
			{at + "version", "must be a whole number"},
			{at + "tier", "must be a string"},
			{at + "quota.cpu", "must be a string"},
			{at + "members[0].name", "must be a string"},
			{at + "members[1]", "must be an object"},
			{at + "labels[a]", "must be a string"},
			{at + "quota.gpu", `must be a whole number in quotes, such as "4"`},
			{at + "members[2].kind", "must be one of User, Group, ServiceAccount"},
			{at + "labels[b]", "must be a Kubernetes label value"},
			{at + "name", "is required"},
		}
	}
	_, err := v.DecodeEvent([]byte(`{"type":"workspace.created","timestamp":1,"data":{` + data + `}}`))
	wantEvent := want("data.")
	wantEvent = append(wantEvent[:6:6], append([]FieldError{{"timestamp", "must be an RFC 3339 date and time"}}, wantEvent[6:]...)...)
	if diff := cmp.Diff(wantEvent, asError(t, err).Fields); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	_, err = v.DecodeData([]byte(`{` + data + `}`))
	if diff := cmp.Diff(want(""), asError(t, err).Fields); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func TestValidator_DecodeNamesAnOuterErrorOnce(t *testing.T) {
	tests := map[string][]FieldError{
		`[]`:                                     {{"body", "must be an object"}},
		`{"type":7,"data":{}}`:                   {{"type", "must be a string"}},
		`{"type":"workspace.created","data":[]}`: {{"data", "must be an object"}},
		`{"type":"workspace.deleted","data":{"version":[]}}`: {
			{"data.version", "must be a whole number"}, {"data.workspace_id", "is required"},
		},
	}
	for body, want := range tests {
		_, err := newValidator(t).DecodeEvent([]byte(body))
		if diff := cmp.Diff(want, asError(t, err).Fields); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// A syntax error outranks members of the wrong type: what follows it can't be read.
func TestDecode_RefusesBrokenJSONAfterAWrongType(t *testing.T) {
	for _, body := range []string{`{"workspace_id":1,"name":}`, `{"workspace_id":{"a":1,"a":2}}`, `{"version":1.}`} {
		if _, err := DecodeData([]byte(body)); KindOf(err) != KindMalformed {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecode_BoundsTheErrors(t *testing.T) {
	_, err := DecodeData([]byte(`{"members":[` + strings.Repeat(`1,`, 50_000) + `1]}`))
	if got := len(asError(t, err).Fields); got != 100 {
		t.Errorf("%d faults are listed", got)
	}
}

func TestParseInteger(t *testing.T) {
	tests := map[string]struct {
		want int64
		ok   bool
	}{
		"7": {7, true}, "7.0": {7, true}, "7.000": {7, true}, "70e-1": {7, true}, "0.7E+1": {7, true}, "-7.0": {-7, true},
		"0": {0, true}, "-0.0": {0, true}, "0e999999999999": {0, true}, "1e3": {1000, true}, "1200e-2": {12, true},
		"9007199254740991.0": {MaxVersion, true}, "9223372036854775807": {1<<63 - 1, true}, "-9223372036854775808": {-1 << 63, true},
		"9223372036854775808": {}, "1e19": {}, "1e999999999": {}, "1e99999999999999999999": {}, "1e-999999999": {},
		"7.5": {}, "0.1": {}, "1e-1": {}, "7.0000000000000000001": {},
	}
	for text, want := range tests {
		if got, ok := parseInteger(text); ok != want.ok || ok && got != want.want {
			t.Errorf("%s is %d, %v", text, got, ok)
		}
	}
}

// math/big knows every number exactly, but needs memory for its exponent.
func TestParseInteger_IsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf("%s%d%s%s",
			rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign"), rapid.Int64Range(0, 1<<60).Draw(t, "whole"),
			rapid.StringMatching(`(\.[0-9]{1,4})?`).Draw(t, "fraction"), rapid.StringMatching(`([eE][+-]?[0-9]{1,2})?`).Draw(t, "exponent"))
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		got, isInteger := parseInteger(text)
		if want := exact.IsInt() && exact.Num().IsInt64(); isInteger != want || want && exact.Num().Int64() != got {
			t.Fatalf("%s is %d, %v", text, got, isInteger)
		}
	})
}
