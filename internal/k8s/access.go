package k8s

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// WorkloadServiceAccount is the ServiceAccount that a workspace's pipelines run as.
const WorkloadServiceAccount = "flyte-workload"

// tenantRolePrefix and a role make the name of the chart's ClusterRole for it. The service may bind these alone.
const tenantRolePrefix = "workspace-flyte-integration-tenant-"

// WorkloadIdentity is the ServiceAccount of the workspace's pods, with the tier's annotations: clouds give pods an
// identity by them.
func (p *Plan) WorkloadIdentity() *corev1.ServiceAccount {
	account := &corev1.ServiceAccount{ObjectMeta: p.object(WorkloadServiceAccount), ImagePullSecrets: p.pullSecrets()}
	extras{annotations: p.fill(p.Tier.Spec.ServiceAccount.Annotations)}.addTo(account)
	return account
}

// AccessObjects are one RoleBinding for each role in use and one of the workload, and unused the RoleBindings that must
// not exist. A locked workspace keeps its members as viewers, and its running pods their rights.
func (p *Plan) AccessObjects() (bindings, unused []client.Object) {
	subjects := map[v1alpha1.Role][]rbacv1.Subject{}
	for _, m := range p.Workspace.Spec.Members {
		if !workspace.MayBind(m) {
			continue // refused at every door; never bound even if a door was left open
		}
		role := m.Role
		if p.locked() {
			role = v1alpha1.RoleViewer
		}
		subjects[role] = append(subjects[role], p.subject(m))
	}
	all := []*rbacv1.RoleBinding{}
	for _, role := range v1alpha1.Roles() {
		all = append(all, p.roleBinding(role, subjects[role]))
	}
	if p.Tier != nil { // without it, what is there stays
		all = append(all, p.workloadRole())
	}
	for _, binding := range all {
		if len(binding.Subjects) == 0 {
			unused = append(unused, binding)
		} else {
			bindings = append(bindings, binding)
		}
	}
	return bindings, unused
}

func bindingName(role v1alpha1.Role) string { return "workspace-" + string(role) }

func (p *Plan) roleBinding(role v1alpha1.Role, subjects []rbacv1.Subject) *rbacv1.RoleBinding {
	slices.SortFunc(subjects, func(a, b rbacv1.Subject) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return &rbacv1.RoleBinding{
		ObjectMeta: p.object(bindingName(role)),
		Subjects:   slices.Compact(subjects),
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: tenantRolePrefix + string(role),
		},
	}
}

// subject gives ServiceAccounts the plan's own namespace: a member can't name one elsewhere.
func (p *Plan) subject(m v1alpha1.Member) rbacv1.Subject {
	if m.Kind == v1alpha1.MemberServiceAccount {
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: string(m.Name), Namespace: p.Namespace.Name}
	}
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: string(m.Kind), Name: string(m.Name)}
}
