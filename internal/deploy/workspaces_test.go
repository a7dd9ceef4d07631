package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// These tests compare the rules of the CRDs with those of the webhook, which `kubectl apply` bypasses.

// tryCreate creates an object as a dry run.
func tryCreate(t *testing.T, kind, name string, spec map[string]any) error {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "platform.company.com/v1alpha1", "kind": kind,
		"metadata": map[string]any{"name": name}, "spec": spec,
	}}
	return clientFor(t, installed(t)).Create(t.Context(), object, client.DryRunAll)
}

func member(kind, name, role string) map[string]any {
	return map[string]any{"members": []any{map[string]any{"kind": kind, "name": name, "role": role}}}
}

func label(key, value string) map[string]any {
	return map[string]any{"labels": map[string]any{key: value}}
}

func quota(key string, amount any) map[string]any {
	return map[string]any{"quota": map[string]any{key: amount}}
}

func manyLabels(n int) map[string]any {
	labels := map[string]any{}
	for i := range n {
		labels[fmt.Sprintf("%sexample.com/%s-%02d", strings.Repeat("long.", 40), strings.Repeat("k", 50), i)] = strings.Repeat("v", 63)
	}
	return map[string]any{"labels": labels}
}

// manyMembers are as long as they may be: the cost of the rules counts, too.
func manyMembers(n int) map[string]any {
	var members []any
	for i := range n {
		name := fmt.Sprintf("%s-%04d", strings.Repeat("m", 200), i)
		members = append(members, map[string]any{"kind": "ServiceAccount", "name": name, "role": "viewer"})
	}
	return map[string]any{"members": members}
}

func TestWorkspaceCRD_Takes(t *testing.T) {
	whole := map[string]any{
		"displayName": "Betrugserkennung · 不正検知", "description": "Card fraud models", "owner": "ana@company.com", "tier": "standard",
		"quota": map[string]any{"cpu": "40", "memory": "160Gi", "gpu": "4", "storage": "1.5Ti", "pods": "200"},
		"members": []any{
			map[string]any{"kind": "User", "name": "ana@company.com", "role": "admin"},
			map[string]any{"kind": "Group", "name": "oidc:ml team", "role": "editor"},
			map[string]any{"kind": "ServiceAccount", "name": "ci.runner-1", "role": "viewer"},
		},
		"labels":  map[string]any{"cost-center": "42", "company.com/unit": "", "not-kubernetes.io/x": "y", "k8s.io.company.com/x": "y"},
		"version": int64(1)<<53 - 1, "state": "Suspended", "stateVersion": int64(7),
	}
	specs := map[string]map[string]any{
		"nothing": {}, "everything": whole, "14 long labels": manyLabels(14), "1000 long members": manyMembers(1000),
		"a deleted one": {"state": "Deleted", "stateVersion": int64(1)}, "milli": quota("cpu", "1500m"), "zero": quota("gpu", "0"),
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			if err := tryCreate(t, "Workspace", "ws-001", spec); err != nil {
				t.Error(err)
			}
		})
	}
	for _, id := range []string{"a", "0", "fraud-detection", strings.Repeat("a", 63)} {
		if err := tryCreate(t, "Workspace", id, whole); err != nil {
			t.Errorf("the id %s: %v", id, err)
		}
	}
}

// refusal is a spec, and the expected error of the API server.
type refusal struct {
	spec map[string]any
	want string
}

func TestWorkspaceCRD_Refuses(t *testing.T) {
	all := map[string]refusal{
		"no member's kind":    {member("", "ana", "viewer"), "spec.members[0].kind: Unsupported value"},
		"no member's name":    {member("User", "", "admin"), "spec.members[0].name"},
		"an unknown kind":     {member("Robot", "r2", "admin"), "spec.members[0].kind: Unsupported value"},
		"an unknown role":     {member("User", "ana", "owner"), "spec.members[0].role: Unsupported value"},
		"1001 members":        {manyMembers(1001), "spec.members: Too many"},
		"15 labels":           {manyLabels(15), "spec.labels: Too many"},
		"an unknown state":    {map[string]any{"state": "Paused"}, "spec.state: Unsupported value"},
		"an unknown field":    {map[string]any{"displayname": "x"}, `unknown field "spec.displayname"`},
		"a negative version":  {map[string]any{"version": int64(-1)}, "spec.version"},
		"a version of 2^53":   {map[string]any{"version": int64(1) << 53}, "spec.version"},
		"a state of 2^53":     {map[string]any{"stateVersion": int64(1) << 53}, "spec.stateVersion"},
		"a version as text":   {map[string]any{"version": "7"}, "spec.version"},
		"a long name":         {map[string]any{"displayName": strings.Repeat("x", 65)}, "spec.displayName: Too long"},
		"a long description":  {map[string]any{"description": strings.Repeat("x", 301)}, "spec.description: Too long"},
		"a long owner":        {map[string]any{"owner": strings.Repeat("x", 254)}, "spec.owner: Too long"},
		"a tier of two lines": {map[string]any{"tier": "standard\n"}, "spec.tier"},
		"a tier with a dot":   {map[string]any{"tier": "a.b"}, "spec.tier"},
		"a value with space":  {label("a", "b c"), "spec.labels.a"},
		"a long value":        {label("a", strings.Repeat("x", 64)), "spec.labels.a: Too long"},
	}
	for _, add := range []map[string]refusal{badSubjects(), badKeys(), badQuantities(), badTexts()} {
		maps.Copy(all, add)
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) { expectRefusal(t, tryCreate(t, "Workspace", "ws-001", c.spec), c.want) })
	}
}

func TestWorkspaceCRD_RefusesIDsThatAreNoLabels(t *testing.T) {
	for _, id := range []string{"a.b", strings.Repeat("a", 64), "1.2.3.4"} {
		expectRefusal(t, tryCreate(t, "Workspace", id, map[string]any{}), "metadata.name is the workspace id and must be a DNS label")
	}
}

func badSubjects() map[string]refusal {
	cases := map[string]refusal{}
	for _, subject := range []string{"system:anonymous", "system:masters", "system:unauthenticated", "system:", "system:serviceaccount:a:b"} {
		for _, kind := range []string{"User", "Group", "ServiceAccount"} {
			cases[kind+" "+subject] = refusal{member(kind, subject, "viewer"), "names that start with system: are reserved"}
		}
	}
	for _, name := range []string{"other/robot", "other:robot", "Robot", "-robot", "ro bot", "a..b", ".."} {
		cases["ServiceAccount "+name] = refusal{member("ServiceAccount", name, "viewer"), "a plain name in the workspace's own namespaces"}
	}
	return cases
}

func badKeys() map[string]refusal {
	cases := map[string]refusal{}
	for _, domain := range []string{"kubernetes.io", "k8s.io", "platform.company.com"} {
		for _, key := range []string{domain + "/x", "a." + domain + "/x", "a.b." + domain + "/x"} {
			cases["label "+key] = refusal{label(key, "x"), "are reserved"}
		}
	}
	for _, key := range []string{
		"", "-a", "a-", "a b", "/a", "a/", "a/b/c", "A.com/x", "a..b/c", "a-.b/c", "ä", strings.Repeat("a", 64), strings.Repeat("a", 254) + "/a",
	} {
		cases["label "+key] = refusal{label(key, "x"), "label keys must have Kubernetes label syntax"}
	}
	return cases
}

func badQuantities() map[string]refusal {
	cases := map[string]refusal{}
	amounts := []string{
		"1e30", "1e2147483647", "1E5", "-1", "+1", "", "1.", ".5", "1.0001", " 1", "1\n", "1234567890", "1 Gi", "1Ei", "1n", "1u", "NaN", "٤",
	}
	for _, amount := range amounts {
		for _, key := range []string{"cpu", "memory", "storage"} {
			cases[key+" "+amount] = refusal{quota(key, amount), "spec.quota." + key}
		}
	}
	for _, amount := range slices.Concat(amounts, []string{"1.5", "1k", "1Ki", "500m"}) {
		for _, key := range []string{"gpu", "pods"} {
			cases[key+" "+amount] = refusal{quota(key, amount), "spec.quota." + key}
		}
	}
	cases["an unquoted number"] = refusal{quota("cpu", int64(40)), "spec.quota.cpu"}
	cases["an unknown amount"] = refusal{quota("disks", "1"), `unknown field "spec.quota.disks"`}
	return cases
}

// badTexts have the first and the last character of each range of characters that forge lines or reverse text.
func badTexts() map[string]refusal {
	cases := map[string]refusal{}
	for _, r := range []rune{
		0, 0x1f, '\n', '\t', 0x1b, 0x7f, 0x80, 0x85, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069,
	} {
		text := "a" + string(r) + "b"
		for _, field := range []string{"displayName", "description", "owner"} {
			cases[fmt.Sprintf("%s %U", field, r)] = refusal{map[string]any{field: text}, "spec." + field}
		}
		cases[fmt.Sprintf("member %U", r)] = refusal{member("User", text, "viewer"), "spec.members[0].name"}
	}
	return cases
}

func expectRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %.500v, want a refusal that says %q", err, want)
	}
}
