package desired

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

// tenantRolePrefix and a role are the name of the chart's ClusterRole for that role. The service may bind no other ClusterRole.
const tenantRolePrefix = "workspace-flyte-integration-tenant-"

// Access is the ServiceAccount of the workload with its RoleBinding, and one RoleBinding for each role that a member has. While the
// workspace is locked, its members are viewers, and its running pods keep their rights. Without a tier, the RoleBinding of the
// workload stays.
func (p *Plan) Access() Part {
	part := Part{Kinds: []client.Object{&rbacv1.RoleBinding{}}}
	subjects := p.subjects()
	for _, role := range v1alpha1.Roles() {
		if len(subjects[role]) > 0 {
			part.Objects = append(part.Objects, p.roleBinding(role, subjects[role]))
		}
	}
	switch {
	case p.Tier == nil:
		part.Keep = []client.Object{&rbacv1.RoleBinding{ObjectMeta: p.metadata(workloadBinding)}}
		return part
	case p.Tier.Spec.Workload.Role != "":
		part.Objects = append(part.Objects, p.workloadRole())
	}
	part.Objects = append(part.Objects, p.workloadIdentity())
	return part
}

// workloadIdentity is the ServiceAccount of the workspace's pods, with the tier's annotations: clouds give pods an
// identity by them.
func (p *Plan) workloadIdentity() *corev1.ServiceAccount {
	account := &corev1.ServiceAccount{ObjectMeta: p.metadata(WorkloadServiceAccount), ImagePullSecrets: p.pullSecrets()}
	tierMetadata{annotations: p.renderAnnotations(p.Tier.Spec.ServiceAccount.Annotations)}.addTo(account)
	return account
}

// subjects are the members by their current role.
func (p *Plan) subjects() map[v1alpha1.Role][]rbacv1.Subject {
	subjects := map[v1alpha1.Role][]rbacv1.Subject{}
	for _, m := range p.Workspace.Spec.Members {
		if !workspace.MayBind(m) {
			continue // rejected by the edge and by the CRD; not bound even if both missed it
		}
		role := m.Role
		if p.locked() {
			role = v1alpha1.RoleViewer
		}
		subjects[role] = append(subjects[role], p.subject(m))
	}
	return subjects
}

func bindingName(role v1alpha1.Role) string { return "workspace-" + string(role) }

func (p *Plan) roleBinding(role v1alpha1.Role, subjects []rbacv1.Subject) *rbacv1.RoleBinding {
	slices.SortFunc(subjects, func(a, b rbacv1.Subject) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return &rbacv1.RoleBinding{
		ObjectMeta: p.metadata(bindingName(role)),
		Subjects:   slices.Compact(subjects),
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: tenantRolePrefix + string(role),
		},
	}
}

// subject gives ServiceAccounts the plan's own namespace, so that a member can't be one of another namespace.
func (p *Plan) subject(m v1alpha1.Member) rbacv1.Subject {
	if m.Kind == v1alpha1.MemberServiceAccount {
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: string(m.Name), Namespace: p.Namespace.Name}
	}
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: string(m.Kind), Name: string(m.Name)}
}
