package life

import (
	"context"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const workloadRolePrefix = harness.Release + "-workload-"

var workloadRoles = []v1alpha1.WorkloadRole{v1alpha1.WorkloadSpark, v1alpha1.WorkloadRay, v1alpha1.WorkloadDask}

// TestWorkloadRoleFollowsTheTier lets a tier ask for one framework after the other. A RoleBinding can't change its role, so each is
// created again, which needs the right to bind that role.
func TestWorkloadRoleFollowsTheTier(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	restrictedTier(t, "framework-tier")
	env.CreateOnTier(t, harness.Data("framework-tier-1", 1), "framework-tier")
	for _, role := range workloadRoles {
		env.ChangeTier(t, "framework-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.Role = role })
		var binding rbacv1.RoleBinding
		harness.Eventually(t, "the account to get the role for "+string(role), func(ctx context.Context) bool {
			key := client.ObjectKey{Namespace: "flyte-framework-tier-1", Name: "workspace-workload"}
			return env.Admin.Get(ctx, key, &binding) == nil && binding.RoleRef.Name == workloadRolePrefix+string(role)
		})
		if len(binding.Subjects) != 1 || binding.Subjects[0].Name != "flyte-workload" {
			t.Errorf("%s is bound to %+v", role, binding.Subjects)
		}
	}
}
