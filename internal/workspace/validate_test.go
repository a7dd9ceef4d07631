package workspace

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func newValidator(t testing.TB) *Validator {
	t.Helper()
	return NewValidator(newNaming(t, sharedTemplate, "flyte-system"))
}

// The messages that senders read.
const (
	isNoText     = "must be UTF-8 without control, line separator or bidirectional control characters"
	isNoQuantity = `must be a quantity such as "40", "500m" or "160Gi"`
	isNoCount    = `must be a whole number in quotes, such as "4"`
	isNotWhole   = `must be a whole number in quotes, such as "100" or "10Gi"`
	isNoLabelKey = "must be a Kubernetes label key, not under kubernetes.io, k8s.io, platform.company.com, argoproj.io or fluxcd.io"
	isNoLabel    = "must be a DNS label"
	isNoSubject  = "must not start with system:, and a ServiceAccount is a plain name in the workspace's own namespaces"
	isNoVersion  = "must be a whole number from 1 to 9007199254740991"
	noVersion    = "is required: every event needs a version of 1 or more"
)

// extraOf asks for an extra amount.
func extraOf(key, amount string) func(*Data) {
	return func(d *Data) { d.Quota.Extra = v1alpha1.ExtraAmounts{key: v1alpha1.Quantity(amount)} }
}

// broken are contents that every entry point refuses, each by one change to the sample.
var broken = []struct {
	name   string
	change func(*Data)
	want   FieldError
}{
	{"id", func(d *Data) { d.WorkspaceID = "WS" }, FieldError{
		"data.workspace_id",
		"must be a DNS label: at most 63 lower case letters, digits or -, starting and ending with a letter or digit",
	}},
	{"reserved id", func(d *Data) { d.WorkspaceID = "system" }, FieldError{
		"data.workspace_id", "is reserved: its namespace would be flyte-system",
	}},
	{"id too long for its namespace", func(d *Data) { d.WorkspaceID = strings.Repeat("a", 58) }, FieldError{
		"data.workspace_id", "is too long by 1 characters: its namespace flyte-" + strings.Repeat("a", 58) + " would not fit 63",
	}},
	{"negative version", func(d *Data) { d.Version = -1 }, FieldError{"data.version", isNoVersion}},
	{"version 2^53", func(d *Data) { d.Version = 1 << 53 }, FieldError{"data.version", isNoVersion}},
	{"name of 65 characters", func(d *Data) { d.Name = strings.Repeat("ä", 65) }, FieldError{"data.name", "must have at most 64 characters"}},
	{"line in name", func(d *Data) { d.Name = "a\nb" }, FieldError{"data.name", isNoText}},
	{"NUL in name", func(d *Data) { d.Name = "a\x00" }, FieldError{"data.name", isNoText}},
	{"C1 control in name", func(d *Data) { d.Name = "a\u009bb" }, FieldError{"data.name", isNoText}},
	{"DEL in name", func(d *Data) { d.Name = "a\x7f" }, FieldError{"data.name", isNoText}},
	{"description of 301", func(d *Data) { d.Description = strings.Repeat("€", 301) }, FieldError{
		"data.description", "must have at most 300 characters",
	}},
	{"line separator in description", func(d *Data) { d.Description = "a\u2028b" }, FieldError{"data.description", isNoText}},
	{"paragraph separator in description", func(d *Data) { d.Description = "a\u2029b" }, FieldError{"data.description", isNoText}},
	{"owner of 254", func(d *Data) { d.Owner = strings.Repeat("o", 254) }, FieldError{"data.owner", "must have at most 253 characters"}},
	{"right-to-left override in owner", func(d *Data) { d.Owner = "a\u202eb" }, FieldError{"data.owner", isNoText}},
	{"isolate in owner", func(d *Data) { d.Owner = "a\u2066b" }, FieldError{"data.owner", isNoText}},
	{"Arabic letter mark in owner", func(d *Data) { d.Owner = "a\u061cb" }, FieldError{"data.owner", isNoText}},
	{"right-to-left mark in owner", func(d *Data) { d.Owner = "a\u200fb" }, FieldError{"data.owner", isNoText}},
	{"invalid UTF-8 in owner", func(d *Data) { d.Owner = "a\xff" }, FieldError{"data.owner", isNoText}},
	{"tier", func(d *Data) { d.Tier = "Large" }, FieldError{"data.tier", isNoLabel}},
	{"tier's path", func(d *Data) { d.Tier = "../large" }, FieldError{"data.tier", isNoLabel}},
	{"cpu", func(d *Data) { d.Quota.CPU = "1e2147483647" }, FieldError{"data.quota.cpu", isNoQuantity}},
	{"memory", func(d *Data) { d.Quota.Memory = "-1" }, FieldError{"data.quota.memory", isNoQuantity}},
	{"storage", func(d *Data) { d.Quota.Storage = "1Ei" }, FieldError{"data.quota.storage", isNoQuantity}},
	{"gpu", func(d *Data) { d.Quota.GPU = "0.5" }, FieldError{"data.quota.gpu", isNoCount}},
	{"pods", func(d *Data) { d.Quota.Pods = "1k" }, FieldError{"data.quota.pods", isNoCount}},
	{"extra amount", extraOf("count/jobs.batch", "0.5"), FieldError{"data.quota.extra[count/jobs.batch]", isNotWhole}},
	{"extra exponent", extraOf("count/jobs.batch", "1e30"), FieldError{"data.quota.extra[count/jobs.batch]", isNotWhole}},
	{"no key", extraOf("jobs", "5"), FieldError{
		"data.quota.extra[jobs]", "must be a key of a ResourceQuota, such as count/configmaps or requests.ephemeral-storage",
	}},
	{"a key of a field", extraOf("limits.cpu", "5"), FieldError{
		"data.quota.extra[limits.cpu]",
		"must not be a key that cpu, memory, storage or pods set, nor one of Services or volume claims, which only the tier sets",
	}},
	{"a count of our own objects", extraOf("count/limitranges", "5"), FieldError{
		"data.quota.extra[count/limitranges]", "must not count Events, nor objects that the service creates itself",
	}},
	{"no room for our own ConfigMap", extraOf("count/configmaps", "1"), FieldError{
		"data.quota.extra", "must allow 2 ConfigMaps and 1 Secret, which every namespace needs",
	}},
	{"49 extra keys", func(d *Data) {
		d.Quota.Extra = v1alpha1.ExtraAmounts{}
		for i := range 49 {
			d.Quota.Extra[fmt.Sprintf("count/a%d.b", i)] = "1"
		}
	}, FieldError{"data.quota.extra", "must have at most 48 entries"}},
	{"1001 members", func(d *Data) { d.Members = make([]v1alpha1.Member, 1001) }, FieldError{
		"data.members", "must have at most 1000 entries",
	}},
	{"member's kind", func(d *Data) { d.Members[1].Kind = "user" }, FieldError{
		"data.members[1].kind", "must be one of User, Group, ServiceAccount",
	}},
	{"member without kind", func(d *Data) { d.Members[1].Kind = "" }, FieldError{
		"data.members[1].kind", "must be one of User, Group, ServiceAccount",
	}},
	{"member's role", func(d *Data) { d.Members[0].Role = "owner" }, FieldError{
		"data.members[0].role", "must be one of admin, editor, viewer",
	}},
	{"member without name", func(d *Data) { d.Members[0].Name = "" }, FieldError{"data.members[0].name", "is required"}},
	{"member's name of 254", func(d *Data) { d.Members[0].Name = v1alpha1.Text(strings.Repeat("n", 254)) }, FieldError{
		"data.members[0].name", "must have at most 253 characters",
	}},
	{"member's name with a control", func(d *Data) { d.Members[0].Name = "a\x1b" }, FieldError{"data.members[0].name", isNoText}},
	{"everybody", func(d *Data) { d.Members[1].Name = "system:unauthenticated" }, FieldError{"data.members[1].name", isNoSubject}},
	{"masters", func(d *Data) { d.Members[1].Name = "system:masters" }, FieldError{"data.members[1].name", isNoSubject}},
	{"a user of the system", func(d *Data) { d.Members[0].Name = "system:serviceaccount:kube-system:default" }, FieldError{
		"data.members[0].name", isNoSubject,
	}},
	{"ServiceAccount of another namespace", func(d *Data) {
		d.Members[0] = v1alpha1.Member{Kind: v1alpha1.MemberServiceAccount, Name: "kube-system:default", Role: v1alpha1.RoleAdmin}
	}, FieldError{"data.members[0].name", isNoSubject}},
	{"ServiceAccount's path", func(d *Data) {
		d.Members[0] = v1alpha1.Member{Kind: v1alpha1.MemberServiceAccount, Name: "kube-system/default", Role: v1alpha1.RoleAdmin}
	}, FieldError{"data.members[0].name", isNoSubject}},
	{"15 labels", func(d *Data) { d.Labels = numbered(15) }, FieldError{"data.labels", "must have at most 14 entries"}},
	{"label key", func(d *Data) { d.Labels["-a"] = "" }, FieldError{"data.labels[-a]", isNoLabelKey}},
	{"empty label key", func(d *Data) { d.Labels[""] = "" }, FieldError{"data.labels[]", isNoLabelKey}},
	{"label under kubernetes.io", func(d *Data) { d.Labels["kubernetes.io/a"] = "" }, FieldError{
		"data.labels[kubernetes.io/a]", isNoLabelKey,
	}},
	{
		"Argo CD's label", func(d *Data) { d.Labels["argocd.argoproj.io/instance"] = "" },
		FieldError{"data.labels[argocd.argoproj.io/instance]", isNoLabelKey},
	},
	{
		"label of Flux", func(d *Data) { d.Labels["kustomize.toolkit.fluxcd.io/name"] = "" },
		FieldError{"data.labels[kustomize.toolkit.fluxcd.io/name]", isNoLabelKey},
	},
	{"label below k8s.io", func(d *Data) { d.Labels["x.k8s.io/a"] = "" }, FieldError{"data.labels[x.k8s.io/a]", isNoLabelKey}},
	{"Pod Security", func(d *Data) { d.Labels["pod-security.kubernetes.io/enforce"] = "privileged" }, FieldError{
		"data.labels[pod-security.kubernetes.io/enforce]", isNoLabelKey,
	}},
	{"our own label", func(d *Data) { d.Labels[v1alpha1.LabelWorkspace] = "b" }, FieldError{
		"data.labels[platform.company.com/workspace]", isNoLabelKey,
	}},
	{"an ugly label key", func(d *Data) { d.Labels["\u202e\n"] = "" }, FieldError{"data.labels[\ufffd ]", isNoLabelKey}},
	{"label value", func(d *Data) { d.Labels["a"] = "b c" }, FieldError{"data.labels[a]", "must be a Kubernetes label value"}},
	{"label value of 64", func(d *Data) { d.Labels["a"] = strings.Repeat("v", 64) }, FieldError{
		"data.labels[a]", "must be a Kubernetes label value",
	}},
}

func numbered(n int) map[string]string {
	labels := map[string]string{}
	for i := range n {
		labels[fmt.Sprintf("key-%d", i)] = "value"
	}
	return labels
}

// fieldsOf are the fields of a KindInvalid error, or none.
func fieldsOf(t testing.TB, err error) []FieldError {
	t.Helper()
	if err == nil {
		return nil
	}
	refusal := asError(t, err)
	if refusal.Kind != KindInvalid || refusal.Err != nil {
		t.Errorf("got %#v, want KindInvalid without a cause", refusal)
	}
	return refusal.Fields
}

func TestValidator_RefusesAtEveryEntryPoint(t *testing.T) {
	v := newValidator(t)
	for _, test := range broken {
		t.Run(test.name, func(t *testing.T) {
			e := sampleEvent()
			test.change(&e.Data)
			if diff := cmp.Diff([]FieldError{test.want}, fieldsOf(t, v.Event(e))); diff != "" {
				t.Errorf("as a webhook: %s", diff)
			}
			bare := FieldError{strings.TrimPrefix(test.want.Field, "data."), test.want.Message}
			if diff := cmp.Diff([]FieldError{bare}, fieldsOf(t, v.Data(e.Data))); diff != "" {
				t.Errorf("as /provision: %s", diff)
			}
			bare.Field = specPath(bare.Field)
			if diff := cmp.Diff([]FieldError{bare}, fieldsOf(t, v.Workspace(stored(t, e)))); diff != "" {
				t.Errorf("as a stored Workspace: %s", diff)
			}
		})
	}
}

// stored is the Workspace after the event.
func stored(t testing.TB, e Event) *v1alpha1.Workspace {
	t.Helper()
	w := New(e.Data.WorkspaceID)
	if outcome, err := Record(w, e, Delivery{ID: "msg_1"}); err != nil || outcome != OutcomeAccepted {
		t.Fatal(outcome, err)
	}
	return w
}

// specPath returns the path in a Workspace of a field of the payload.
func specPath(field string) string {
	switch field {
	case "workspace_id":
		return "metadata.name"
	case "name":
		return "spec.displayName"
	}
	return "spec." + field
}

func TestValidator_AcceptsWhatIsAllowed(t *testing.T) {
	v := newValidator(t)
	tests := []struct {
		name   string
		change func(*Data)
	}{
		{"the sample", func(*Data) {}},
		{"the least", func(d *Data) { *d = Data{WorkspaceID: "a", Version: 1, Name: "A"} }},
		{"the highest version", func(d *Data) { d.Version = MaxVersion }},
		{"64 characters, not bytes", func(d *Data) { d.Name = strings.Repeat("🐙", 64) }},
		{"300 characters, not bytes", func(d *Data) { d.Description = strings.Repeat("ß", 300) }},
		{"other scripts", func(d *Data) { d.Name, d.Owner = "שלום עולם", "张伟 | مرحبا" }},
		{"a joiner inside an emoji", func(d *Data) { d.Name = "👩\u200d🔬" }},
		{"1000 members", func(d *Data) {
			d.Members = nil
			for i := range 1000 {
				d.Members = append(d.Members, v1alpha1.Member{
					Kind: v1alpha1.MemberUser, Name: v1alpha1.Text(fmt.Sprint("user-", i)), Role: v1alpha1.RoleViewer,
				})
			}
		}},
		{"a plain ServiceAccount", func(d *Data) {
			d.Members[0] = v1alpha1.Member{Kind: v1alpha1.MemberServiceAccount, Name: "ci.bot-1", Role: v1alpha1.RoleEditor}
		}},
		{"a user like an URL", func(d *Data) { d.Members[0].Name = "https://issuer/#ana (Ana, O'Neill)" }},
		{"a name with system inside", func(d *Data) { d.Members[0].Name = "eco-system:ana" }},
		{"14 labels", func(d *Data) { d.Labels = numbered(14) }},
		{"an empty label value", func(d *Data) { d.Labels["a"] = "" }},
		{"a prefixed label", func(d *Data) { d.Labels["team.company.com/Cost_Center"] = "A.b_c-1" }},
		{"a label that only looks reserved", func(d *Data) { d.Labels["notk8s.io/a"] = "b" }},
		{"zero quota", func(d *Data) { d.Quota = v1alpha1.Quota{CPU: "0", Memory: "0", GPU: "0", Storage: "0", Pods: "0"} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := sampleEvent()
			test.change(&e.Data)
			got := [][]FieldError{fieldsOf(t, v.Event(e)), fieldsOf(t, v.Data(e.Data)), fieldsOf(t, v.Workspace(stored(t, e)))}
			if diff := cmp.Diff(make([][]FieldError, 3), got); diff != "" {
				t.Error(diff)
			}
			if e.Data.Tier == "" {
				e.Data.Tier = v1alpha1.DefaultTier
			}
			if diff := cmp.Diff(e.Data, dataOf(stored(t, e))); diff != "" {
				t.Errorf("stored as something else: %s", diff)
			}
		})
	}
}

func TestValidator_ReportsAllErrorsAtOnce(t *testing.T) {
	data := Data{
		Description: strings.Repeat("d", 301), Owner: "a\n", Tier: "L", Quota: v1alpha1.Quota{CPU: "1e30", Pods: "-1"},
		Members: []v1alpha1.Member{{Kind: "X", Name: "system:a", Role: "y"}, {}}, Labels: map[string]string{"a/b/c": "", "d": "e f"},
	}
	want := map[string]string{
		"data.workspace_id": "is required", "data.version": noVersion, "data.name": "is required",
		"data.description": "must have at most 300 characters", "data.owner": isNoText, "data.tier": isNoLabel,
		"data.quota.cpu": isNoQuantity, "data.quota.pods": isNoCount,
		"data.members[0].kind": "must be one of User, Group, ServiceAccount", "data.members[0].name": isNoSubject,
		"data.members[0].role": "must be one of admin, editor, viewer",
		"data.members[1].kind": "must be one of User, Group, ServiceAccount", "data.members[1].name": "is required",
		"data.members[1].role": "must be one of admin, editor, viewer", "data.labels[a/b/c]": isNoLabelKey,
		"data.labels[d]": "must be a Kubernetes label value",
	}
	got := map[string]string{}
	for _, f := range fieldsOf(t, newValidator(t).Event(Event{Type: EventUpdated, Data: data})) {
		got[f.Field] = f.Message
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestValidator_ChecksIDAndVersionWithoutContent(t *testing.T) {
	v := newValidator(t)
	for _, kind := range []EventType{EventSuspended, EventResumed, EventDeleted} {
		e := Event{Type: kind, Data: Data{WorkspaceID: "a", Version: 1, Name: "\n", Tier: "L", Quota: v1alpha1.Quota{CPU: "x"}}}
		if err := v.Event(e); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		// A name that was reserved since must still be suspended and deleted.
		want := []FieldError{{"data.version", noVersion}}
		if diff := cmp.Diff(want, fieldsOf(t, v.Event(Event{Type: kind, Data: Data{WorkspaceID: "system"}}))); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
		if fields := fieldsOf(t, v.Event(Event{Type: kind, Data: Data{WorkspaceID: "No_Label", Version: 1}})); len(fields) != 1 {
			t.Errorf("%s: %v", kind, fields)
		}
	}
	if err := v.Event(Event{Type: EventPing}); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func TestValidator_NeedsNoVersionForProvision(t *testing.T) {
	v := newValidator(t)
	if err := v.Data(Data{WorkspaceID: "a", Name: "A"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]FieldError{{"name", "is required"}}, fieldsOf(t, v.Data(Data{WorkspaceID: "a"}))); diff != "" {
		t.Error(diff)
	}
}

// A tag without a message of its own would be reported to the sender as "is required".
func TestRules_HaveAMessageForEveryTag(t *testing.T) {
	own := map[string]bool{"workspace_id": true, "max": true, "oneof": true, "required": true}
	structural := map[string]bool{"omitempty": true, "dive": true, "keys": true, "endkeys": true}
	for _, fields := range []map[string]string{dataRules, quotaRules, memberRules} {
		for words := range maps.Values(fields) {
			for word := range strings.SplitSeq(words, ",") {
				word, _, _ = strings.Cut(word, "=")
				if _, known := rules[word]; !known && !own[word] && !structural[word] {
					t.Errorf("nothing tells a sender about %q", word)
				}
			}
		}
	}
}

// A field without a rule would be unchecked at every entry point.
func TestRules_CoverEveryField(t *testing.T) {
	for subject, fields := range map[any]map[string]string{
		reflect.TypeFor[Data](): dataRules, reflect.TypeFor[v1alpha1.Quota](): quotaRules, reflect.TypeFor[v1alpha1.Member](): memberRules,
	} {
		for field := range subject.(reflect.Type).Fields() {
			if fields[field.Name] == "" && field.Name != "Quota" {
				t.Errorf("%v.%s has no rule", subject, field.Name)
			}
		}
	}
}

func TestValidator_BoundsQuotedText(t *testing.T) {
	e := sampleEvent()
	e.Data.Labels[strings.Repeat("k", 200_000)] = ""
	want := []FieldError{{"data.labels[" + strings.Repeat("k", 85) + "…", isNoLabelKey}}
	if diff := cmp.Diff(want, fieldsOf(t, newValidator(t).Event(e))); diff != "" {
		t.Error(diff)
	}
}
