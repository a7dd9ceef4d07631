package life

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
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// action is a request of a member in a workspace, and the roles that may send it.
type action struct {
	do                    func(context.Context, client.Client, string) error
	viewer, editor, admin bool
}

func (d action) allowed(role v1alpha1.Role) bool {
	return map[v1alpha1.Role]bool{v1alpha1.RoleViewer: d.viewer, v1alpha1.RoleEditor: d.editor, v1alpha1.RoleAdmin: d.admin}[role]
}

// creating creates an object, as a dry run.
func creating(o client.Object) func(context.Context, client.Client, string) error {
	return func(ctx context.Context, c client.Client, namespace string) error {
		o := o.DeepCopyObject().(client.Object)
		o.SetNamespace(namespace)
		o.SetName("of-a-member")
		return c.Create(ctx, o, client.DryRunAll)
	}
}

func listing(list client.ObjectList) func(context.Context, client.Client, string) error {
	return func(ctx context.Context, c client.Client, namespace string) error {
		return c.List(ctx, list.DeepCopyObject().(client.ObjectList), client.InNamespace(namespace))
	}
}

func actions() map[string]action {
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
	return map[string]action{
		"list pods":     {listing(&corev1.PodList{}), yes, yes, yes},
		"list secrets":  {listing(&corev1.SecretList{}), no, yes, yes},
		"list accounts": {listing(&corev1.ServiceAccountList{}), no, no, yes},
		"list bindings": {listing(&rbacv1.RoleBindingList{}), no, no, no},
		"create a pod": {creating(&corev1.Pod{Spec: corev1.PodSpec{
			ServiceAccountName: "flyte-workload", Containers: []corev1.Container{{Name: "a", Image: "a"}},
		}}), no, yes, yes},
		"create a ConfigMap":                 {creating(&corev1.ConfigMap{}), no, yes, yes},
		"create a volume claim":              {creating(claim), no, yes, yes},
		"create a service":                   {creating(service), no, yes, yes},
		"create a load balancer":             {creating(outside), no, no, no},
		"create a node port":                 {creating(nodePort), no, no, no},
		"use an external address":            {creating(external), no, no, no},
		"create a secret":                    {creating(&corev1.Secret{}), no, no, yes},
		"create a token that never expires":  {creating(token), no, no, no},
		"create an account":                  {creating(&corev1.ServiceAccount{}), no, no, no},
		"create a quota":                     {creating(&corev1.ResourceQuota{}), no, no, no},
		"bind a role to somebody else":       {creating(binding), no, no, no},
		"request the workload's token":       {requestToken, no, no, no},
		"impersonate the workload's account": {impersonateWorkload, no, no, no},
		"raise the quota":                    {raiseQuota, no, no, no},
		"change its own role":                {promote, no, no, no},
	}
}

func requestToken(ctx context.Context, c client.Client, namespace string) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "flyte-workload"}}
	return c.SubResource("token").Create(ctx, account, &authenticationv1.TokenRequest{})
}

// impersonateWorkload asks the API server whether it would allow that, since a client can't impersonate twice.
func impersonateWorkload(ctx context.Context, c client.Client, namespace string) error {
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

// TestMembersActAsTheyMay sends each action as each member of a workspace, there and in a workspace of others.
func TestMembersActAsTheyMay(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	awaitPolicies(t)
	data, another := harness.Data("members", 1), harness.Data("members-of-another", 1)
	data.Members = []v1alpha1.Member{
		{Kind: v1alpha1.MemberUser, Name: "vera@company.com", Role: v1alpha1.RoleViewer},
		{Kind: v1alpha1.MemberGroup, Name: "oidc:data team", Role: v1alpha1.RoleEditor},
		{Kind: v1alpha1.MemberServiceAccount, Name: "ci", Role: v1alpha1.RoleEditor},
		{Kind: v1alpha1.MemberUser, Name: "adam@company.com", Role: v1alpha1.RoleAdmin},
	}
	another.Members = []v1alpha1.Member{{Kind: v1alpha1.MemberGroup, Name: "others", Role: v1alpha1.RoleAdmin}}
	for _, w := range []workspace.Data{data, another} {
		env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, w))
	}
	for _, w := range []workspace.Data{data, another} {
		env.AwaitReason(t, w.WorkspaceID, v1alpha1.ReasonReady)
	}
	const home, other = "flyte-members", "flyte-members-of-another"
	for name, m := range map[string]struct {
		client client.Client
		role   v1alpha1.Role
	}{
		"a user who is a viewer":                         {env.As(t, "vera@company.com"), v1alpha1.RoleViewer},
		"somebody of a group of editors":                 {env.As(t, "eve@company.com", "oidc:data team"), v1alpha1.RoleEditor},
		"an account that is an editor":                   {env.AsAccount(t, home, "ci"), v1alpha1.RoleEditor},
		"a user who is an admin":                         {env.As(t, "adam@company.com"), v1alpha1.RoleAdmin},
		"an account of that name in the other workspace": {env.AsAccount(t, other, "ci"), ""},
		"an account of that name elsewhere":              {env.AsAccount(t, "default", "ci"), ""},
		"nobody":                                         {env.As(t, "system:anonymous", "system:unauthenticated"), ""},
		"the workload":                                   {env.AsAccount(t, home, "flyte-workload"), ""},
	} {
		for what, d := range actions() {
			err := d.do(t.Context(), m.client, home)
			if allowed := d.allowed(m.role); allowed != (err == nil) || err != nil && !apierrors.IsForbidden(err) {
				t.Errorf("%s tries to %s: %v", name, what, err)
			}
			if err := d.do(t.Context(), m.client, other); !apierrors.IsForbidden(err) {
				t.Errorf("%s tries to %s in another workspace: %v", name, what, err)
			}
		}
	}
}

// TestAccessFollowsTheMembers removes a member from a workspace that its tier no longer allows: access is revoked all the same.
func TestAccessFollowsTheMembers(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	restrictedTier(t, "left-tier")
	data := harness.Data("left-tier-1", 1)
	env.CreateOnTier(t, data, "left-tier")
	eve, namespace := env.As(t, "eve@company.com", "ml-team"), "flyte-left-tier-1"
	harness.Eventually(t, "the member to have access", func(ctx context.Context) bool { // RBAC follows its informers
		return creating(&corev1.ConfigMap{})(ctx, eve, namespace) == nil
	})
	env.ChangeTier(t, "left-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"others-*"} })
	data.Version, data.Tier, data.Members = 2, "left-tier", data.Members[:1]
	env.Deliver(t, harness.NewMessage(t, workspace.EventUpdated, data))
	harness.Eventually(t, "the member to have no access", func(ctx context.Context) bool {
		return apierrors.IsForbidden(creating(&corev1.ConfigMap{})(ctx, eve, namespace))
	})
}
