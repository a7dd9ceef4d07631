package e2e

import (
	"context"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// deed is something that a member does in a workspace, for real, and who may.
type deed struct {
	do                    func(context.Context, client.Client, string) error
	viewer, editor, admin bool
}

func (d deed) allowed(role v1alpha1.Role) bool {
	return map[v1alpha1.Role]bool{v1alpha1.RoleViewer: d.viewer, v1alpha1.RoleEditor: d.editor, v1alpha1.RoleAdmin: d.admin}[role]
}

// making creates an object, as a dry run.
func making(o client.Object) func(context.Context, client.Client, string) error {
	return func(ctx context.Context, c client.Client, namespace string) error {
		o := o.DeepCopyObject().(client.Object)
		o.SetNamespace(namespace)
		o.SetName("of-a-member")
		return c.Create(ctx, o, client.DryRunAll)
	}
}

func looking(list client.ObjectList) func(context.Context, client.Client, string) error {
	return func(ctx context.Context, c client.Client, namespace string) error {
		return c.List(ctx, list.DeepCopyObject().(client.ObjectList), client.InNamespace(namespace))
	}
}

func deeds() map[string]deed {
	const yes, no = true, false
	claim := &corev1.PersistentVolumeClaim{}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	service := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	outside, nodePort, external := service.DeepCopy(), service.DeepCopy(), service.DeepCopy()
	outside.Spec.Type, nodePort.Spec.Type = corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort
	external.Spec.ExternalIPs = []string{"8.8.8.8"}
	token := &corev1.Secret{Type: corev1.SecretTypeServiceAccountToken, ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
		corev1.ServiceAccountNameKey: "flyte-workload",
	}}}
	binding := &rbacv1.RoleBinding{RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}}
	return map[string]deed{
		"look at pods":     {looking(&corev1.PodList{}), yes, yes, yes},
		"look at secrets":  {looking(&corev1.SecretList{}), no, yes, yes},
		"look at accounts": {looking(&corev1.ServiceAccountList{}), no, no, yes},
		"look at bindings": {looking(&rbacv1.RoleBindingList{}), no, no, no},
		"make a pod": {making(&corev1.Pod{Spec: corev1.PodSpec{
			ServiceAccountName: "flyte-workload", Containers: []corev1.Container{{Name: "a", Image: "a"}},
		}}), no, yes, yes},
		"make a config":                 {making(&corev1.ConfigMap{}), no, yes, yes},
		"make a claim":                  {making(claim), no, yes, yes},
		"make a service":                {making(service), no, yes, yes},
		"make a load balancer":          {making(outside), no, no, no},
		"make a node port":              {making(nodePort), no, no, no},
		"take an external address":      {making(external), no, no, no},
		"make a secret":                 {making(&corev1.Secret{}), no, no, yes},
		"make a token that never ends":  {making(token), no, no, no},
		"make an account":               {making(&corev1.ServiceAccount{}), no, no, no},
		"make a quota":                  {making(&corev1.ResourceQuota{}), no, no, no},
		"invite a friend":               {making(binding), no, no, no},
		"ask for the workload's token":  {askToken, no, no, no},
		"act as the workload's account": {actAsWorkload, no, no, no},
		"raise the quota":               {raiseQuota, no, no, no},
		"give itself another role":      {promote, no, no, no},
	}
}

func askToken(ctx context.Context, c client.Client, namespace string) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "flyte-workload"}}
	return c.SubResource("token").Create(ctx, account, &authenticationv1.TokenRequest{})
}

// actAsWorkload asks the API server, since a client can't impersonate twice.
func actAsWorkload(ctx context.Context, c client.Client, namespace string) error {
	review := &authorizationv1.SelfSubjectAccessReview{}
	review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: "impersonate", Resource: "serviceaccounts", Name: "flyte-workload",
	}
	if err := c.Create(ctx, review); err != nil || review.Status.Allowed {
		return err
	}
	return apierrors.NewForbidden(corev1.Resource("serviceaccounts"), "flyte-workload", nil)
}

func raiseQuota(ctx context.Context, c client.Client, namespace string) error {
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-quota"}}
	return c.Patch(ctx, quota, client.RawPatch(types.MergePatchType, []byte(`{"spec": {"hard": {"pods": "9999"}}}`)))
}

func promote(ctx context.Context, c client.Client, namespace string) error {
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-admin"}}
	return c.Patch(ctx, binding, client.RawPatch(types.MergePatchType, []byte(`{"subjects": []}`)))
}

// TestMembersActAsTheyMay lets each member of a workspace, which the service has made, do each deed there, and in a
// workspace that he is no member of.
func TestMembersActAsTheyMay(t *testing.T) {
	awaitPolicies(t)
	data, another := team("members", 1), team("members-of-another", 1)
	data.Members = []v1alpha1.Member{
		{Kind: v1alpha1.MemberUser, Name: "vera@company.com", Role: v1alpha1.RoleViewer},
		{Kind: v1alpha1.MemberGroup, Name: "oidc:data team", Role: v1alpha1.RoleEditor},
		{Kind: v1alpha1.MemberServiceAccount, Name: "ci", Role: v1alpha1.RoleEditor},
		{Kind: v1alpha1.MemberUser, Name: "adam@company.com", Role: v1alpha1.RoleAdmin},
	}
	another.Members = []v1alpha1.Member{{Kind: v1alpha1.MemberGroup, Name: "others", Role: v1alpha1.RoleAdmin}}
	for _, w := range []workspace.Data{data, another} {
		newMessage(t, workspace.EventCreated, w).mustDeliver(t)
	}
	for _, w := range []workspace.Data{data, another} {
		settled(t, w.WorkspaceID, v1alpha1.ReasonReady)
	}
	const home, abroad = "flyte-members", "flyte-members-of-another"
	for name, m := range map[string]struct {
		client client.Client
		role   v1alpha1.Role
	}{
		"a user who is a viewer":          {as(t, "vera@company.com"), v1alpha1.RoleViewer},
		"somebody of a group of editors":  {as(t, "eve@company.com", "oidc:data team"), v1alpha1.RoleEditor},
		"an account that is an editor":    {asAccount(t, home, "ci"), v1alpha1.RoleEditor},
		"a user who is an admin":          {as(t, "adam@company.com"), v1alpha1.RoleAdmin},
		"an account of that name abroad":  {asAccount(t, abroad, "ci"), ""},
		"an account of that name at Home": {asAccount(t, "default", "ci"), ""},
		"nobody":                          {as(t, "system:anonymous", "system:unauthenticated"), ""},
		"the workload":                    {asAccount(t, home, "flyte-workload"), ""},
	} {
		for what, d := range deeds() {
			err := d.do(t.Context(), m.client, home)
			if allowed := d.allowed(m.role); allowed != (err == nil) || err != nil && !apierrors.IsForbidden(err) {
				t.Errorf("%s tries to %s: %v", name, what, err)
			}
			if err := d.do(t.Context(), m.client, abroad); !apierrors.IsForbidden(err) {
				t.Errorf("%s tries to %s in another workspace: %v", name, what, err)
			}
		}
	}
}

// TestAccessFollowsTheMembers takes away and gives, one change after the other; a binding that nobody has is not there.
func TestAccessFollowsTheMembers(t *testing.T) {
	const id = "comings-and-goings"
	data := team(id, 1)
	may := map[string]client.Client{
		"ana": as(t, "ana@company.com"), "bob": as(t, "bob@company.com"), "ml-team": as(t, "eve@company.com", "ml-team"),
	}
	member := func(kind v1alpha1.MemberKind, name string, role v1alpha1.Role) v1alpha1.Member {
		return v1alpha1.Member{Kind: kind, Name: v1alpha1.Text(name), Role: role}
	}
	for version, c := range []struct {
		members  []v1alpha1.Member
		bindings int
		editors  map[string]bool
	}{
		{[]v1alpha1.Member{member("User", "ana@company.com", "editor")}, 1, map[string]bool{"ana": true}},
		{
			[]v1alpha1.Member{member("User", "bob@company.com", "editor"), member("Group", "ml-team", "editor")},
			1,
			map[string]bool{"bob": true, "ml-team": true},
		},
		{
			[]v1alpha1.Member{member("User", "bob@company.com", "viewer"), member("User", "ana@company.com", "admin")},
			2,
			map[string]bool{"ana": true},
		},
		{nil, 0, nil},
	} {
		data.Version, data.Members = int64(version+1), c.members
		newMessage(t, workspace.EventUpdated, data).mustDeliver(t)
		settled(t, id, v1alpha1.ReasonReady)
		var bindings rbacv1.RoleBindingList
		if err := world.admin.List(t.Context(), &bindings, client.InNamespace("flyte-"+id)); err != nil {
			t.Fatal(err)
		}
		if len(bindings.Items) != c.bindings {
			t.Errorf("version %d: %d bindings", version+1, len(bindings.Items))
		}
		for who, client := range may {
			eventually(t, who+" to have the right access", func(ctx context.Context) bool { // RBAC follows its informers
				err := making(&corev1.ConfigMap{})(ctx, client, "flyte-"+id)
				return c.editors[who] == (err == nil)
			})
		}
	}
}
