package workspace

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// otherAt is an event with the content of another version.
func otherAt(kind EventType, version int64) Event {
	e := eventAt(kind, version+100)
	e.Data.Version = version
	return e
}

func registerOf(err error) Register {
	if conflict, ok := errors.AsType[*VersionConflictError](err); ok && KindOf(err) == KindConflict {
		return conflict.Register
	}
	return ""
}

func TestRecord_RefusesAVersionThatIsUsedTwice(t *testing.T) {
	tests := map[string]struct {
		first []Event
		event Event
		want  Register
	}{
		"other content":                  {[]Event{eventAt(EventCreated, 5)}, otherAt(EventUpdated, 5), RegisterContent},
		"other content, created again":   {[]Event{eventAt(EventCreated, 5)}, otherAt(EventCreated, 5), RegisterContent},
		"suspended after created":        {[]Event{eventAt(EventCreated, 5)}, eventAt(EventSuspended, 5), RegisterState},
		"created after suspended":        {[]Event{eventAt(EventSuspended, 5)}, eventAt(EventCreated, 5), RegisterState},
		"deleted after suspended":        {[]Event{eventAt(EventSuspended, 5)}, eventAt(EventDeleted, 5), RegisterState},
		"other content, and a new state": {[]Event{eventAt(EventUpdated, 5)}, otherAt(EventCreated, 5), RegisterContent},
		"another state, old content": {
			[]Event{eventAt(EventSuspended, 5), eventAt(EventUpdated, 7)}, eventAt(EventCreated, 5), RegisterState,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var s store
			for _, e := range test.first {
				if _, err := s.record(e, deliveryOf(e)); err != nil {
					t.Fatal(err)
				}
			}
			before := s.w.DeepCopy()
			if _, err := s.record(test.event, Delivery{ID: "other"}); registerOf(err) != test.want {
				t.Errorf("got %v, want a conflict of the %s", err, test.want)
			}
			if diff := cmp.Diff(before, s.w); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What agrees with the registers, or can't be compared with them, is no conflict.
func TestRecord_AcceptsEqualContentAtAVersion(t *testing.T) {
	created := eventAt(EventCreated, 5)
	tests := map[string]struct {
		first  []Event
		change func(*v1alpha1.Workspace)
		event  Event
		want   Outcome
	}{
		"the same again":                    {[]Event{created}, nil, created, OutcomeStale},
		"the same as an update":             {[]Event{created}, nil, eventAt(EventUpdated, 5), OutcomeStale},
		"the same state by another event":   {[]Event{created}, nil, eventAt(EventResumed, 5), OutcomeStale},
		"the same content with a new state": {[]Event{eventAt(EventUpdated, 5)}, nil, created, OutcomeAccepted},
		"a state beside content":            {[]Event{eventAt(EventUpdated, 5)}, nil, eventAt(EventSuspended, 5), OutcomeAccepted},
		"content beside a state":            {[]Event{eventAt(EventSuspended, 5)}, nil, eventAt(EventUpdated, 5), OutcomeAccepted},
		"an older version":                  {[]Event{created, eventAt(EventCreated, 7)}, nil, otherAt(EventUpdated, 5), OutcomeStale},
		"an older state":                    {[]Event{created, eventAt(EventResumed, 7)}, nil, eventAt(EventSuspended, 5), OutcomeStale},
		"no version": {
			[]Event{{Type: EventCreated, Data: Data{WorkspaceID: "ws-001", Name: "A"}}},
			nil,
			Event{Type: EventCreated, Data: Data{WorkspaceID: "ws-001", Name: "B"}},
			OutcomeStale,
		},
		"content that was edited by hand": {
			[]Event{created}, func(w *v1alpha1.Workspace) { w.Spec.DisplayName, w.Spec.Members = "by hand", nil }, created, OutcomeStale,
		},
		"a state that was edited by hand": {
			[]Event{created}, func(w *v1alpha1.Workspace) { w.Spec.State = v1alpha1.StateSuspended }, created, OutcomeStale,
		},
		"versions that were set by hand": {
			[]Event{created}, func(w *v1alpha1.Workspace) { w.Spec.Version, w.Spec.StateVersion = 9, 9 }, otherAt(EventCreated, 9), OutcomeStale,
		},
		"stored by an earlier release": {
			[]Event{created},
			func(w *v1alpha1.Workspace) { delete(w.Annotations, v1alpha1.AnnotationAccepted) },
			otherAt(EventCreated, 5), OutcomeStale,
		},
		"a broken record": {
			[]Event{created},
			func(w *v1alpha1.Workspace) { w.Annotations[v1alpha1.AnnotationAccepted] = `{"content":7` },
			otherAt(EventCreated, 5), OutcomeStale,
		},
		"a hash of a later release": {
			[]Event{created},
			func(w *v1alpha1.Workspace) {
				w.Annotations[v1alpha1.AnnotationAccepted] = `{"content":{"version":5,"value":"3:x"},"state":{"version":5,"value":"Active"}}`
			},
			otherAt(EventCreated, 5), OutcomeStale,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var s store
			for _, e := range test.first {
				if _, err := s.record(e, deliveryOf(e)); err != nil {
					t.Fatal(err)
				}
			}
			if test.change != nil {
				test.change(s.w)
			}
			if outcome, err := s.record(test.event, Delivery{ID: "other"}); outcome != test.want || err != nil {
				t.Errorf("got %s, %v, want %s", outcome, err, test.want)
			}
		})
	}
}

// A hash that changed for the same content would make each repeat of a stored event a conflict after an upgrade: then
// contentFormat has to change, too.
func TestContentHash_StaysTheSame(t *testing.T) {
	if got := contentHash(sampleEvent().Data); got != "2:HCbNaHUqKJBiZ57BZ88QXzruZeL1ATlBsHmpvr9S4ak" {
		t.Errorf("the contract's sample has the hash %s", got)
	}
}

func TestVersionConflict_ComparesContent(t *testing.T) {
	tests := map[string]struct {
		change func(*Data)
		other  bool
	}{
		"members in another order": {func(d *Data) { slices.Reverse(d.Members) }, false},
		"a member twice":           {func(d *Data) { d.Members = append(d.Members, d.Members[0]) }, false},
		"no tier":                  {func(d *Data) { d.Tier = "" }, false},
		"amounts written otherwise": {func(d *Data) {
			d.Quota = v1alpha1.Quota{CPU: "40.000", Memory: "163840Mi", GPU: "004", Storage: "1024Gi", Pods: "200"}
		}, false},
		"another name":     {func(d *Data) { d.Name = "Fraud" }, true},
		"another text":     {func(d *Data) { d.Description = "" }, true},
		"another owner":    {func(d *Data) { d.Owner = "bob@company.com" }, true},
		"another tier":     {func(d *Data) { d.Tier = "large" }, true},
		"another amount":   {func(d *Data) { d.Quota.CPU = "41" }, true},
		"an amount less":   {func(d *Data) { d.Quota.GPU = "" }, true},
		"none for nothing": {func(d *Data) { d.Quota.GPU = "0" }, true},
		"an extra amount":  {func(d *Data) { d.Quota.Extra = v1alpha1.ExtraAmounts{"count/jobs.batch": "5"} }, true},
		"another role":     {func(d *Data) { d.Members[1].Role = v1alpha1.RoleViewer }, true},
		"a member less":    {func(d *Data) { d.Members = d.Members[:1] }, true},
		"another label":    {func(d *Data) { d.Labels["cost-center"] = "43" }, true},
		"no labels":        {func(d *Data) { d.Labels = nil }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := stored(t, sampleEvent())
			e := sampleEvent()
			test.change(&e.Data)
			if got := registerOf(VersionConflict(w, e)) == RegisterContent; got != test.other {
				t.Errorf("contradicts: %v, want %v", got, test.other)
			}
		})
	}
	t.Run("nothing at all", func(t *testing.T) {
		w := stored(t, Event{Type: EventUpdated, Data: Data{WorkspaceID: "ws-001", Version: 1, Name: "A"}})
		e := Event{Type: EventUpdated, Data: Data{
			WorkspaceID: "ws-001", Version: 1, Name: "A", Tier: "standard", Members: []v1alpha1.Member{}, Labels: map[string]string{},
		}}
		if err := VersionConflict(w, e); err != nil {
			t.Error(err)
		}
	})
}

// respelled is an event that says the same in another way, as a second delivery.
func respelled(t *rapid.T, e Event) (Event, Delivery) {
	e.Data.Members = rapid.Permutation(append(slices.Clone(e.Data.Members), e.Data.Members...)).Draw(t, "members")
	if e.Type.HasContent() && rapid.Bool().Draw(t, "tier") {
		e.Data.Tier = v1alpha1.DefaultTier
	}
	return e, Delivery{ID: fmt.Sprint("again_", rapid.Uint64().Draw(t, "id"))}
}

// In any order, with repeats that are written in another way, no event of a correct sender is a conflict. At the end, every
// event with another content or state at the version of a register is one, and changes nothing.
func TestRecord_FindsConflictsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, sent := drawHistory(t, 10)
		var s store
		for _, e := range sent {
			again, delivery := respelled(t, e)
			if _, err := s.record(again, delivery); err != nil {
				t.Fatal(err)
			}
		}
		last := s.w.DeepCopy()
		if version := last.Spec.Version; version > 0 {
			if _, err := s.record(otherAt(EventUpdated, version), Delivery{ID: "x"}); registerOf(err) != RegisterContent {
				t.Fatalf("other content at %d: %v", version, err)
			}
		}
		if version := last.Spec.StateVersion; version > 0 {
			kind := EventSuspended
			if last.Spec.State == v1alpha1.StateSuspended {
				kind = EventDeleted
			}
			if _, err := s.record(eventAt(kind, version), Delivery{ID: "y"}); registerOf(err) != RegisterState {
				t.Fatalf("another state at %d: %v", version, err)
			}
		}
		if diff := cmp.Diff(last, s.w); diff != "" {
			t.Fatal(diff)
		}
	})
}
