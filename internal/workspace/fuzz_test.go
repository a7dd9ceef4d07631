package workspace

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// What decodes and validates must be safe to make namespaces of, and mean the same when it is sent on.
func FuzzDecodeEvent(f *testing.F) {
	for _, seed := range []string{
		sample, `{"type":"ping"}`, `{"type":"workspace.deleted","data":{"workspace_id":"a","version":1}}`, `[]`, `{"type":"ping","type":""}`,
		`{"type":"workspace.updated","data":{"workspace_id":"a","version":9007199254740992,"name":"\u202e","labels":{"a/b":1}}}`,
	} {
		f.Add([]byte(seed))
	}
	v := newValidator(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := DecodeEvent(body)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if !e.Type.Known() || e.Type == EventPing {
			return
		}
		checkStable(t, e)
		if err := v.Event(e); err != nil {
			checkRefusal(t, err)
			return
		}
		checkNamespaces(t, v.naming, e.Data.WorkspaceID)
		if err := v.Workspace(stored(t, e)); err != nil {
			t.Errorf("taken as an event, refused as a Workspace: %v", err)
		}
	})
}

// checkRefusal wants a text that is safe to answer and to log, and fields that say something.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Kind != KindMalformed && refusal.Kind != KindInvalid {
		t.Fatalf("got %#v", err)
	}
	if !printable.Is(refusal.Detail) || len(refusal.Detail) > 1000 || (refusal.Kind == KindInvalid) != (len(refusal.Fields) > 0) {
		t.Errorf("got %#v", refusal)
	}
	for _, field := range refusal.Fields {
		if field.Field == "" || field.Message == "" || len(field.Field) > 500 || !printable.Is(field.Field) || !printable.Is(field.Message) {
			t.Errorf("got %#v", field)
		}
	}
}

// checkStable wants an event to decode to itself.
func checkStable(t *testing.T, e Event) {
	t.Helper()
	body, err := json.Marshal(e)
	if err != nil {
		return // a year that RFC 3339 can't write
	}
	again, err := DecodeEvent(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if diff := cmp.Diff(e, again); diff != "" {
		t.Error(diff)
	}
}

func checkNamespaces(t *testing.T, n *Naming, id string) {
	t.Helper()
	for _, namespace := range n.Namespaces(id) {
		if errs := validation.IsDNS1123Label(namespace.Name); len(errs) > 0 {
			t.Errorf("the namespace %q: %v", namespace.Name, errs)
		}
	}
}

// Two valid ids never share a namespace, under any template.
func FuzzNaming(f *testing.F) {
	f.Add(sharedTemplate, "flyte-", "development,staging,production", "system", "a")
	f.Add(perDomainTemplate, "flyte-", "development,staging,production", "a", "b")
	f.Add(perDomainTemplate, "", "staging,b-staging", "a-b", "a")
	f.Add("{domain}{project}{domain}", "x", "a,aa", "a", "aa")
	f.Fuzz(func(t *testing.T, template, prefix, domains, a, b string) {
		n, err := NewNaming(template, prefix, strings.Split(domains, ","), nil)
		if err != nil || a == b || n.Check(a) != nil || n.Check(b) != nil {
			return
		}
		checkNamespaces(t, n, a)
		owner := map[string]string{}
		for _, id := range []string{a, b} {
			for _, namespace := range n.Namespaces(id) {
				if other, shared := owner[namespace.Name]; shared {
					t.Errorf("%q and %q share %s", other, id, namespace.Name)
				}
				owner[namespace.Name] = id
			}
		}
	})
}
