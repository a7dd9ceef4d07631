package deploy_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// asMember is a client of a user who has one tenant role in one new namespace.
func asMember(t *testing.T, role string) (c client.Client, namespace string) {
	t.Helper()
	cfg := installed(t)
	admin := clientFor(t, cfg)
	namespace = createNamespace(t, admin, nil)
	user := role + "@company.com"
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-" + role},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "workspace-flyte-integration-tenant-" + role,
		},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if err := admin.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	return clientFor(t, cfg), namespace
}

const (
	look = "get list watch"
	work = "create delete get list patch update watch"
)

// tenantRights are the rights of each role.
func tenantRights() map[string]map[string]string {
	viewer := map[string]string{
		"/configmaps": look, "/endpoints": look, "/events": look, "/limitranges": look, "/persistentvolumeclaims": look,
		"/pods": look, "/pods/log": "get", "/resourcequotas": look, "/services": look,
		"apps/deployments": look, "apps/replicasets": look, "batch/cronjobs": look, "batch/jobs": look,
		"discovery.k8s.io/endpointslices": look, "events.k8s.io/events": look, "flyte.lyft.com/flyteworkflows": look,
		"networking.k8s.io/networkpolicies": look,
	}
	editor := maps.Clone(viewer)
	maps.Copy(editor, map[string]string{
		"/configmaps": work, "/persistentvolumeclaims": work, "/pods": work, "/services": work,
		"/pods/exec": "create get", "/pods/portforward": "create get", "/secrets": look,
		"apps/deployments": work, "batch/cronjobs": work, "batch/jobs": work,
	})
	admin := maps.Clone(editor)
	maps.Copy(admin, map[string]string{"/secrets": work, "/serviceaccounts": look})
	return map[string]map[string]string{"viewer": viewer, "editor": editor, "admin": admin}
}

func TestTenants_HaveExactlyTheirRights(t *testing.T) {
	for role, want := range tenantRights() {
		t.Run(role, func(t *testing.T) {
			member, workspace := asMember(t, role)
			if diff := cmp.Diff(want, rights(t, member, workspace)); diff != "" {
				t.Errorf("in the workspace (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{}, rights(t, member, metav1.NamespaceDefault)); diff != "" {
				t.Errorf("elsewhere (-want +got):\n%s", diff)
			}
		})
	}
}

// What confines a workspace, no member may change.
func TestTenants_MayNever(t *testing.T) {
	confining := []string{
		"rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings", "/resourcequotas", "/limitranges",
		"networking.k8s.io/networkpolicies", "/serviceaccounts", "/serviceaccounts/token", "/endpoints",
		"discovery.k8s.io/endpointslices", "/namespaces", "/pods/ephemeralcontainers", "/services/proxy", "/pods/proxy",
		"flyte.lyft.com/flyteworkflows", "platform.company.com/workspaces",
	}
	for role := range tenantRights() {
		t.Run(role, func(t *testing.T) {
			member, workspace := asMember(t, role)
			for _, resource := range confining {
				for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
					if r := right(verb + " " + resource); review(t, member, workspace, r) {
						t.Errorf("may %s", r)
					}
				}
			}
			for _, r := range []right{
				"bind rbac.authorization.k8s.io/clusterroles", "escalate rbac.authorization.k8s.io/clusterroles",
				"impersonate /serviceaccounts", "impersonate /users", "list /nodes", "list /namespaces",
				"list platform.company.com/workspaces",
			} {
				if review(t, member, workspace, r) {
					t.Errorf("may %s", r)
				}
			}
		})
	}
}

// One real request of each kind, beside the reviews.
func TestTenants_ActAsTheyMay(t *testing.T) {
	for role, may := range map[string]struct{ config, secret bool }{
		"viewer": {}, "editor": {config: true}, "admin": {config: true, secret: true},
	} {
		t.Run(role, func(t *testing.T) {
			member, workspace := asMember(t, role)
			name := metav1.ObjectMeta{Namespace: workspace, Name: "of-a-member"}
			for object, allowed := range map[client.Object]bool{
				&corev1.ConfigMap{ObjectMeta: name}:      may.config,
				&corev1.Secret{ObjectMeta: name}:         may.secret,
				&corev1.ServiceAccount{ObjectMeta: name}: false,
				&corev1.ResourceQuota{ObjectMeta: name}:  false,
				&rbacv1.RoleBinding{ObjectMeta: name}:    false,
			} {
				err := member.Create(t.Context(), object)
				if allowed != (err == nil) || err != nil && !apierrors.IsForbidden(err) {
					t.Errorf("creating a %T: %v", object, err)
				}
			}
			if err := member.List(t.Context(), &corev1.PodList{}, client.InNamespace(workspace)); err != nil {
				t.Error(err)
			}
			if err := member.List(t.Context(), &corev1.PodList{}); !apierrors.IsForbidden(err) {
				t.Errorf("listing the pods of all namespaces: %v", err)
			}
		})
	}
}
