package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// Without a tier, the workload's role is not known. Its RoleBinding is not pruned.
func TestPlan_AccessWithoutTierKeepsWorkloadRoleBinding(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Tier = nil
	if diff := cmp.Diff([]string{"workspace-workload"}, names(p.Access().Keep)); diff != "" {
		t.Error(diff)
	}
}

func names(objects []client.Object) (all []string) {
	for _, o := range objects {
		all = append(all, o.GetName())
	}
	return all
}

// Even if a system subject passes validation, it gets no RoleBinding.
func TestPlan_NeverBindsSystemSubjects(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Workspace.Spec.Members = []v1alpha1.Member{
		{Kind: v1alpha1.MemberGroup, Name: "system:unauthenticated", Role: v1alpha1.RoleAdmin},
		{Kind: v1alpha1.MemberServiceAccount, Name: "system:serviceaccount:kube-system:default", Role: v1alpha1.RoleAdmin},
	}
	if objects := p.Access().Objects; len(objects) != 1 { // the ServiceAccount
		t.Errorf("bound %s", manifests(t, objects))
	}
}

// The order of members, and repeated members, cause no drift.
func TestPlan_IgnoresOrderOfMembers(t *testing.T) {
	p, q := desiredtest.Plan("flyte-ws-001"), desiredtest.Plan("flyte-ws-001")
	members := q.Workspace.Spec.Members
	q.Workspace.Spec.Members = append([]v1alpha1.Member{members[4], members[2], members[1], members[0]}, members...)
	if diff := cmp.Diff(string(manifests(t, desiredtest.Children(p))), string(manifests(t, desiredtest.Children(q)))); diff != "" {
		t.Error(diff)
	}
}
