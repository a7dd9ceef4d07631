package deploy_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// asMember is a client of a user who has one tenant role in one new namespace, which is not labelled as a workspace's.
func asMember(t *testing.T, role string) (c client.Client, namespace string) {
	t.Helper()
	return asMemberOf(t, role, nil)
}

// asMemberOf is a client of a user who has one tenant role in one new namespace with these labels.
func asMemberOf(t *testing.T, role string, labels map[string]string) (c client.Client, namespace string) {
	t.Helper()
	cfg := installed(t)
	admin := clientFor(t, cfg)
	namespace = createNamespace(t, admin, labels)
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
	member := clientFor(t, cfg)
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return review(t, member, namespace, "list /pods"), nil // which every role may
	})
	if err != nil {
		t.Fatalf("the API server doesn't know of the rights of %s: %v", user, err)
	}
	return member, namespace
}

// documented are the rights of each role, by resource, as the table of docs/members.md gives them: verbs, sorted.
func documented(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/members.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| | viewer | editor | admin |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("docs/members.md has no table of the roles")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rights := map[string]map[string]string{"viewer": {}, "editor": {}, "admin": {}}
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(row, "| \n"), " | ")
		for resource := range strings.SplitSeq(cells[0], ", ") {
			for i, role := range []string{"viewer", "editor", "admin"} {
				if verbs := verbsOf(cells[i+1]); verbs != "" {
					rights[role][groupResource(strings.Trim(resource, "`"))] = verbs
				}
			}
		}
	}
	return rights
}

// verbsOf spells a cell of the table out.
func verbsOf(cell string) string {
	spelt := strings.NewReplacer("–", "", "look", "get, list, watch", "change", "create, update, patch, delete").Replace(cell)
	verbs := strings.FieldsFunc(spelt, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(verbs)
	return strings.Join(verbs, " ")
}

// groupResource turns kubectl's resource.group and resource.group/subresource into group/resource and group/resource/subresource.
func groupResource(name string) string {
	name, subresource, found := strings.Cut(name, "/")
	resource, group, _ := strings.Cut(name, ".")
	if found {
		resource += "/" + subresource
	}
	return group + "/" + resource
}

func TestTenants_HaveExactlyTheDocumentedRights(t *testing.T) {
	for role, want := range documented(t) {
		t.Run(role, func(t *testing.T) {
			member, workspace := asMember(t, role)
			if diff := cmp.Diff(want, rights(t, member, workspace)); diff != "" {
				t.Errorf("in the workspace (-want +got):\n%s", diff)
			}
			_, another := asMember(t, map[string]string{"viewer": "admin", "editor": "viewer", "admin": "editor"}[role])
			if diff := cmp.Diff(map[string]string{}, rights(t, member, another)); diff != "" {
				t.Errorf("in another workspace (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{}, rights(t, member, metav1.NamespaceDefault)); diff != "" {
				t.Errorf("elsewhere (-want +got):\n%s", diff)
			}
		})
	}
}

// Each cell of the table, one verb after the other.
func TestTenants_MayWhatTheTableSays(t *testing.T) {
	table := documented(t)
	for role, may := range table {
		t.Run(role, func(t *testing.T) {
			member, workspace := asMember(t, role)
			for resource := range table["admin"] {
				for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
					want := slices.Contains(strings.Fields(may[resource]), verb)
					if got := review(t, member, workspace, right(verb+" "+resource)); got != want {
						t.Errorf("may %s %s: %t", verb, resource, got)
					}
				}
			}
		})
	}
}

// No member may change the objects that confine a workspace.
func TestTenants_MayNever(t *testing.T) {
	confining := []string{
		"rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings", "/resourcequotas", "/limitranges",
		"networking.k8s.io/networkpolicies", "/serviceaccounts", "/serviceaccounts/token", "/endpoints",
		"discovery.k8s.io/endpointslices", "/namespaces", "/pods/ephemeralcontainers", "/services/proxy", "/pods/proxy",
		"flyte.lyft.com/flyteworkflows", "platform.company.com/workspaces", "apps/daemonsets", "policy/poddisruptionbudgets",
		"networking.k8s.io/ingresses", "gateway.networking.k8s.io/httproutes", "/podtemplates", "/pods/binding", "/bindings",
	}
	for _, role := range []string{"viewer", "editor", "admin"} {
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

// kubectl scale patches the subresource scale, which the right to patch the object doesn't grant.
func TestTenants_Scale(t *testing.T) {
	for role, may := range map[string]bool{"viewer": false, "editor": true, "admin": true} {
		t.Run(role, func(t *testing.T) {
			member, namespace := asMember(t, role)
			labels := map[string]string{"a": "b"}
			pod := podOf(namespace, func(*corev1.Pod) {})
			template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec}
			selector, meta := &metav1.LabelSelector{MatchLabels: labels}, metav1.ObjectMeta{Namespace: namespace, Name: "a"}
			for _, o := range []client.Object{
				&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
				&appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template}},
				&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}},
			} {
				if err := clientFor(t, installed(t)).Create(t.Context(), o.DeepCopyObject().(client.Object)); err != nil {
					t.Fatal(err)
				}
				none := client.RawPatch(types.MergePatchType, []byte(`{"spec": {"replicas": 0}}`))
				err := member.SubResource("scale").Patch(t.Context(), o, none)
				if may != (err == nil) || err != nil && !apierrors.IsForbidden(err) {
					t.Errorf("scaling a %T: %v", o, err)
				}
			}
		})
	}
}
