package desired_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlan_MakesTheGoldenObjects(t *testing.T) {
	for name, change := range desiredtest.Variants() {
		t.Run(name, func(t *testing.T) {
			p := desiredtest.Plan("flyte-ws-001")
			change(p)
			got := manifests(t, desiredtest.Objects(p))
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				must(t, os.WriteFile(golden, got, 0o600))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// manifests are the objects as kubectl would show them.
func manifests(t testing.TB, objects []client.Object) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, o := range objects {
		o = o.DeepCopyObject().(client.Object)
		gvk, err := apiutil.GVKForObject(o, scheme.Scheme)
		must(t, err)
		o.GetObjectKind().SetGroupVersionKind(gvk)
		text, err := yaml.Marshal(o)
		must(t, err)
		b.WriteString("---\n")
		b.Write(text)
	}
	return b.Bytes()
}

func TestPlan_Clamped(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	desiredtest.Variants()["clamped"](p)
	if diff := cmp.Diff([]string{"cpu", "memory"}, p.Clamped()); diff != "" {
		t.Error(diff)
	}
}

func TestPlan_AccessFollowsStateMembersAndTier(t *testing.T) {
	tests := map[string][]string{
		"active":     {"workspace-admin", "workspace-editor", "workspace-viewer"},
		"suspended":  {"workspace-viewer"},
		"deleted":    {"workspace-viewer"},
		"no-members": nil,
		"workload":   {"workspace-admin", "workspace-editor", "workspace-viewer", "workspace-workload"},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			p := desiredtest.Plan("flyte-ws-001")
			desiredtest.Variants()[name](p)
			if diff := cmp.Diff(append(want, desired.WorkloadServiceAccount), names(p.Access().Objects)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without a tier, nobody knows whether the workload has a role: that RoleBinding stays.
func TestPlan_AccessWithoutATierKeepsTheWorkloadsRole(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Tier = nil
	if diff := cmp.Diff([]string{"workspace-workload"}, names(p.Access().Keep)); diff != "" {
		t.Error(diff)
	}
}

func TestOwns(t *testing.T) {
	for _, o := range desiredtest.Children(workloadPlan()) {
		switch o.(type) {
		case *corev1.ServiceAccount, *corev1.ConfigMap: // never pruned
		default:
			if !desired.Owns(o) {
				t.Errorf("%T %q is not ours", o, o.GetName())
			}
		}
		o.SetName("of-a-member")
		if desired.Owns(o) {
			t.Errorf("a %T of any name is ours", o)
		}
	}
	former := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "allow-egress"}}
	if !desired.Owns(former) {
		t.Error("a NetworkPolicy of an earlier version is not ours")
	}
}

func workloadPlan() *desired.Plan {
	p := desiredtest.Plan("flyte-ws-001")
	desiredtest.Variants()["workload"](p)
	return p
}

func names(objects []client.Object) (all []string) {
	for _, o := range objects {
		all = append(all, o.GetName())
	}
	return all
}

// A door that was left open must not open the namespace.
func TestPlan_NeverBindsTheSystem(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Workspace.Spec.Members = []v1alpha1.Member{
		{Kind: v1alpha1.MemberGroup, Name: "system:unauthenticated", Role: v1alpha1.RoleAdmin},
		{Kind: v1alpha1.MemberServiceAccount, Name: "system:serviceaccount:kube-system:default", Role: v1alpha1.RoleAdmin},
	}
	if objects := p.Access().Objects; len(objects) != 1 { // the ServiceAccount
		t.Errorf("bound %s", manifests(t, objects))
	}
}

// The order of members, and repeats among them, must not look like drift.
func TestPlan_DoesNotFollowTheOrderOfMembers(t *testing.T) {
	p, q := desiredtest.Plan("flyte-ws-001"), desiredtest.Plan("flyte-ws-001")
	members := q.Workspace.Spec.Members
	q.Workspace.Spec.Members = append([]v1alpha1.Member{members[4], members[2], members[1], members[0]}, members...)
	if diff := cmp.Diff(string(manifests(t, desiredtest.Children(p))), string(manifests(t, desiredtest.Children(q)))); diff != "" {
		t.Error(diff)
	}
}
