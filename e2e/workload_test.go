package e2e

import (
	"context"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const workloadRolePrefix = "workspace-flyte-integration-workload-"

// boundWorkloadRoles are the roles that a story has seen bound: the audit log names the RoleBinding, and not its role.
var boundWorkloadRoles = map[string]bool{}

// TestWorkloadRoleFollowsTheTier lets a tier ask for one framework after the other. A RoleBinding can't change its role, so each
// is made anew, with the right to bind that very role.
func TestWorkloadRoleFollowsTheTier(t *testing.T) {
	tier := makeTier(t, "framework-tier")
	onTier(t, "framework-tier-1", tier.Name)
	for _, role := range []v1alpha1.WorkloadRole{v1alpha1.WorkloadSpark, v1alpha1.WorkloadRay, v1alpha1.WorkloadDask} {
		change := client.MergeFrom(tier.DeepCopy())
		tier.Spec.Workload.Role = role
		if err := world.admin.Patch(t.Context(), tier, change); err != nil {
			t.Fatal(err)
		}
		var binding rbacv1.RoleBinding
		eventually(t, "the account to get the role for "+string(role), func(ctx context.Context) bool {
			key := client.ObjectKey{Namespace: "flyte-framework-tier-1", Name: "workspace-workload"}
			return world.admin.Get(ctx, key, &binding) == nil && binding.RoleRef.Name == workloadRolePrefix+string(role)
		})
		if len(binding.Subjects) != 1 || binding.Subjects[0].Name != "flyte-workload" {
			t.Errorf("%s is bound to %+v", role, binding.Subjects)
		}
		boundWorkloadRoles[binding.RoleRef.Name] = true
	}
}
