package deploy_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// asService is a client with a token of the chart's ServiceAccount.
func asService(t *testing.T) client.Client {
	t.Helper()
	cfg := installed(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fullName}}
	request := &authenticationv1.TokenRequest{}
	if err := clientFor(t, cfg).SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	cfg = rest.AnonymousClientConfig(cfg)
	cfg.BearerToken = request.Status.Token
	return clientFor(t, cfg)
}

const (
	owned   = "create delete get list patch watch"
	kept    = "create get list patch watch"
	lease   = "coordination.k8s.io/leases"
	roleFor = "rbac.authorization.k8s.io/clusterroles workspace-flyte-integration-"
)

func TestAccount_HasExactlyItsRights(t *testing.T) {
	service := asService(t)
	want := map[string]string{
		"/namespaces":     kept,
		"/configmaps":     owned,
		"/limitranges":    owned,
		"/podtemplates":   owned,
		"/resourcequotas": owned, "/serviceaccounts": kept,
		"networking.k8s.io/networkpolicies":          owned,
		"rbac.authorization.k8s.io/rolebindings":     owned,
		roleFor + "tenant-admin":                     "bind",
		roleFor + "tenant-editor":                    "bind",
		roleFor + "tenant-viewer":                    "bind",
		roleFor + "workload-spark":                   "bind",
		roleFor + "workload-ray":                     "bind",
		roleFor + "workload-dask":                    "bind",
		"platform.company.com/workspaces":            "create get list patch watch",
		"platform.company.com/workspaces/status":     "patch",
		"platform.company.com/workspacetiers":        "list watch",
		"platform.company.com/workspacetiers/status": "patch",
		"events.k8s.io/events":                       "create patch",
		"authentication.k8s.io/tokenreviews":         "create",
		"authorization.k8s.io/subjectaccessreviews":  "create",
	}
	if diff := cmp.Diff(want, rights(t, service, metav1.NamespaceSystem)); diff != "" {
		t.Errorf("in any namespace (-want +got):\n%s", diff)
	}
	inDefault := maps.Clone(want)
	inDefault["/services kubernetes"], inDefault["discovery.k8s.io/endpointslices kubernetes"] = "list watch", "list watch"
	inDefault["events.k8s.io/events"] = "create list patch"
	if diff := cmp.Diff(inDefault, rights(t, service, metav1.NamespaceDefault)); diff != "" {
		t.Errorf("where the API server's addresses are (-want +got):\n%s", diff)
	}
	want[lease] = "create"
	want[lease+" "+fullName] = "get update"
	if diff := cmp.Diff(want, rights(t, service, namespace)); diff != "" {
		t.Errorf("in its own namespace (-want +got):\n%s", diff)
	}
}

// The exact list of rights implies this one, which names the rights that must never be granted.
func TestAccount_MayNever(t *testing.T) {
	service := asService(t)
	if !review(t, service, "", "create /namespaces") {
		t.Fatal("it may not even create namespaces")
	}
	for _, r := range []right{
		"get /secrets", "list /secrets", "watch /secrets", "create /secrets",
		"create /serviceaccounts/token", "impersonate /serviceaccounts", "impersonate /users", "impersonate /groups",
		"escalate rbac.authorization.k8s.io/clusterroles", "bind rbac.authorization.k8s.io/clusterroles cluster-admin",
		"bind rbac.authorization.k8s.io/clusterroles", "bind rbac.authorization.k8s.io/roles",
		"create rbac.authorization.k8s.io/clusterroles", "create rbac.authorization.k8s.io/clusterrolebindings",
		"create rbac.authorization.k8s.io/roles", "update rbac.authorization.k8s.io/rolebindings",
		"create platform.company.com/workspacetiers", "patch platform.company.com/workspacetiers",
		"delete platform.company.com/workspaces", "update platform.company.com/workspaces/finalizers",
		"delete /namespaces", "create /pods", "create /pods/exec", "get /pods", "get /nodes", "create apps/deployments",
		"patch apiextensions.k8s.io/customresourcedefinitions", "deletecollection /configmaps",
		"create admissionregistration.k8s.io/validatingadmissionpolicies",
	} {
		for _, where := range []string{"", namespace, metav1.NamespaceSystem} {
			if review(t, service, where, r) {
				t.Errorf("it may %s in %q", r, where)
			}
		}
	}
}

// A review does not show whether a binding is allowed: that depends on the rights that it would grant. RBAC lets a client grant rights
// that it has itself, here those of the service's role; a policy refuses that.
func TestAccount_BindsTheTenantRolesAlone(t *testing.T) {
	awaitPolicies(t, asUnboundedService(t))
	service, workspace := asService(t), workspaceNamespace(t, "bound")
	for _, role := range []string{"admin", "editor", "viewer"} {
		own := binding(workspace, "workspace-"+role, "workspace-flyte-integration-tenant-"+role, user("ana@company.com"))
		own.Labels[workspaceLabel] = "bound"
		if err := service.Create(t.Context(), own, client.DryRunAll); err != nil {
			t.Errorf("binding %s: %v", role, err)
		}
	}
	for _, framework := range []string{"spark", "ray", "dask"} {
		own := binding(workspace, "workspace-workload", "workspace-flyte-integration-workload-"+framework, rbacv1.Subject{
			Kind: rbacv1.ServiceAccountKind, Name: "flyte-workload", Namespace: workspace,
		})
		own.Labels[workspaceLabel] = "bound"
		if err := service.Create(t.Context(), own, client.DryRunAll); err != nil {
			t.Errorf("binding %s: %v", framework, err)
		}
	}
	for _, role := range []string{"cluster-admin", "admin", "edit", "view", fullName} {
		foreign := binding(workspace, "workspace-viewer", role, user("ana@company.com"))
		foreign.Labels[workspaceLabel] = "bound"
		if err := service.Create(t.Context(), foreign, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("binding %s: %v", role, err)
		}
	}
}

// With the right to the status of tiers, a thief changes neither their spec nor their metadata.
func TestAccount_WritesOnlyTheStatusOfTiers(t *testing.T) {
	admin, service := clientFor(t, installed(t)), asService(t)
	tier := tierObject("of-the-team", map[string]any{"allowedWorkspaces": []any{"a"}})
	if err := admin.Create(t.Context(), tier); err != nil {
		t.Fatal(err)
	}
	patch := `{"metadata": {"labels": {"a": "b"}, "finalizers": ["company.com/thief"]}, "spec": {"allowedWorkspaces": ["*"]},
		"status": {"workspaces": 1, "conforming": 1}}`
	if err := service.Status().Patch(t.Context(), tier.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	before := tier.DeepCopy()
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(tier), tier); err != nil {
		t.Fatal(err)
	}
	conforming, _, _ := unstructured.NestedInt64(tier.Object, "status", "conforming")
	if diff := cmp.Diff(before.Object["spec"], tier.Object["spec"]); diff != "" || conforming != 1 {
		t.Errorf("the status is %v, and the spec (-before +after):\n%s", tier.Object["status"], diff)
	}
	if len(tier.GetLabels())+len(tier.GetFinalizers()) > 0 {
		t.Errorf("the metadata is %v", tier.Object["metadata"])
	}
}
