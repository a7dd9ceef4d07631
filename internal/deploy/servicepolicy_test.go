package deploy_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	accountUser = "system:serviceaccount:" + namespace + ":" + fullName
	// A workspace of this id has this namespace, by the chart's default values.
	stolenID        = "stolen"
	stolenNamespace = "flyte-" + stolenID
)

// asUnboundedService is a client of the service's account with all RBAC rights: only the policies can refuse its requests.
func asUnboundedService(t *testing.T) client.Client {
	t.Helper()
	cfg := installed(t)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: accountUser, Groups: []string{"system:masters"}}
	c := clientFor(t, cfg)
	awaitPolicies(t, c)
	return c
}

// awaitPolicies returns when the API server has the policies in force, some moments after they were applied.
func awaitPolicies(t *testing.T, service client.Client) {
	t.Helper()
	probes := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "no-workspace"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "probe"}},
		binding(metav1.NamespaceDefault, "workspace-probe", "cluster-admin"),
		event(metav1.NamespaceDefault, "v1", "Pod"), leaseOf(metav1.NamespaceDefault, "probe"), finalized(workspaceOf("probe")),
	}
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		for _, probe := range probes {
			err := service.Create(ctx, probe.DeepCopyObject().(client.Object), client.DryRunAll)
			if !isDenied(err, "") {
				return false, client.IgnoreAlreadyExists(err)
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatalf("waiting for the policies: %v", err)
	}
}

// isDenied reports whether a policy has refused a request with this message.
func isDenied(err error, saying string) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy") && strings.Contains(err.Error(), saying)
}

// workspaceNamespace creates the namespace of a workspace, once, as the service would.
func workspaceNamespace(t *testing.T, id string) string {
	t.Helper()
	made := namespaceOf("flyte-"+id, map[string]string{workspaceLabel: id, enforceLabel: "baseline"})
	err := clientFor(t, installed(t)).Create(t.Context(), made)
	if client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
	return made.Name
}

const (
	workspaceLabel = "platform.company.com/workspace"
	managedByLabel = "app.kubernetes.io/managed-by"
	enforceLabel   = "pod-security.kubernetes.io/enforce"
)

func namespaceOf(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

// child is the metadata of an object as the service makes it in the namespace of the stolen workspace.
func child(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: stolenNamespace, Name: name, Labels: map[string]string{
		workspaceLabel: stolenID, managedByLabel: fullName,
	}}
}

func binding(namespace, name, role string, subjects ...rbacv1.Subject) *rbacv1.RoleBinding {
	meta := child(name)
	meta.Namespace = namespace
	return &rbacv1.RoleBinding{
		ObjectMeta: meta, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	}
}

func user(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

// attempt is a request, and the message of the policy that must refuse it. It is a dry run: no attempt depends on another.
type attempt struct {
	request func(context.Context, client.Client) error
	refusal string
}

func creating(o client.Object, refusal string) attempt {
	return attempt{refusal: refusal, request: func(ctx context.Context, c client.Client) error {
		return c.Create(ctx, o.DeepCopyObject().(client.Object), client.DryRunAll)
	}}
}

// patching applies a JSON merge patch to the object.
func patching(o client.Object, patch, refusal string) attempt {
	return attempt{refusal: refusal, request: func(ctx context.Context, c client.Client) error {
		return c.Patch(ctx, o.DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, []byte(patch)), client.DryRunAll)
	}}
}

// relabelling sets a label of a namespace, or removes it if value is null.
func relabelling(namespace, key, value, refusal string) attempt {
	if value != "null" {
		value = strconv.Quote(value)
	}
	return patching(namespaceOf(namespace, nil), fmt.Sprintf(`{"metadata": {"labels": {%q: %s}}}`, key, value), refusal)
}

func deleting(o client.Object, refusal string) attempt {
	return attempt{refusal: refusal, request: func(ctx context.Context, c client.Client) error {
		return c.Delete(ctx, o.DeepCopyObject().(client.Object), client.DryRunAll)
	}}
}

func configMap(namespace, name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

func accessAttempts() map[string]attempt {
	const viewer, roles = "workspace-viewer", "workspace-flyte-integration-tenant-"
	elsewhere := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "default", Namespace: metav1.NamespaceSystem}
	workload := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "flyte-workload", Namespace: stolenNamespace}
	group := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:authenticated"}
	const notTheRole, system = "only bind each tenant role", "names begin with system:"
	return map[string]attempt{
		"bind a tenant role in kube-system": creating(binding(metav1.NamespaceSystem, viewer, roles+"viewer", user("thief")), inWorkspaces),
		"bind a tenant role at home":        creating(binding(namespace, viewer, roles+"viewer", user("thief")), inWorkspaces),
		"bind cluster-admin":                creating(binding(stolenNamespace, viewer, "cluster-admin", user("thief")), notTheRole),
		"bind its own role":                 creating(binding(stolenNamespace, viewer, fullName, user("thief")), notTheRole),
		"bind admins as viewers":            creating(binding(stolenNamespace, viewer, roles+"admin", user("thief")), notTheRole),
		"bind under another name":           creating(binding(stolenNamespace, "mine", roles+"admin", user("thief")), ""), // by two policies
		"bind everybody":                    creating(binding(stolenNamespace, viewer, roles+"viewer", user("ana"), group), system),
		"bind nobody known":                 creating(binding(stolenNamespace, viewer, roles+"viewer", user("system:anonymous")), system),
		"bind an account of elsewhere": creating(
			binding(stolenNamespace, viewer, roles+"viewer", elsewhere), "nor ServiceAccounts of another namespace"),
		"bind a tenant role to the workload": creating(binding(stolenNamespace, "workspace-workload", roles+"admin", workload), notTheRole),
		"bind a workload's role to a user": creating(
			binding(stolenNamespace, "workspace-workload", fullName+"-workload-spark", user("thief")), notTheRole),
		"remove somebody's binding": deleting(binding(stolenNamespace, "theirs", ""), ownOnes),
		"add everybody to a binding": patching(binding(stolenNamespace, "workspace-editor", ""),
			`{"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}]}`, system),
	}
}

const (
	inWorkspaces = "only write objects in namespaces of workspaces"
	ownNames     = "only write its own objects"
	ownOnes      = "and delete objects with such a name or label"
	subresources = "subresources"
)

func secretNamed(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: child(name), Type: corev1.SecretTypeOpaque}
}

func workspaceOf(id string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "platform.company.com/v1alpha1", "kind": "Workspace",
		"metadata": map[string]any{"name": id}, "spec": map[string]any{"displayName": "Stolen"},
	}}
}

func objectAttempts() map[string]attempt {
	unlabelled, foreignLabel := configMap(stolenNamespace, "workspace-config"), &corev1.ConfigMap{ObjectMeta: child("workspace-config")}
	foreignLabel.Labels[workspaceLabel] = "another"
	atHome := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fullName}}
	return map[string]attempt{
		"make an object in kube-system": creating(configMap(metav1.NamespaceSystem, "workspace-config"), inWorkspaces),
		"make an object at home":        creating(configMap(namespace, "workspace-config"), inWorkspaces),
		"change the service's settings": patching(configMap(namespace, fullName), `{"data": {"LOG_LEVEL": "debug"}}`, inWorkspaces),
		"change kube-system": patching(configMap(metav1.NamespaceSystem, "victim"),
			`{"data": {"a": "b"}}`, inWorkspaces),
		"delete from kube-system":        deleting(configMap(metav1.NamespaceSystem, "victim"), inWorkspaces),
		"change an account at home":      patching(atHome, `{"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "x"}}}`, inWorkspaces),
		"make an object of another name": creating(&corev1.ConfigMap{ObjectMeta: child("another")}, ownNames),
		"make an object without labels":  creating(unlabelled, ownNames),
		"make an object for another":     creating(foreignLabel, ownNames),
		"change the CA of the pods":      patching(configMap(stolenNamespace, "kube-root-ca.crt"), `{"data": {"ca.crt": "x"}}`, ownNames),
		"open the network": creating(&networkingv1.NetworkPolicy{ObjectMeta: child("allow-all"), Spec: networkingv1.NetworkPolicySpec{
			Ingress: []networkingv1.NetworkPolicyIngressRule{{}},
		}}, ownNames),
		"make another quota":            creating(&corev1.ResourceQuota{ObjectMeta: child("of-a-member")}, ownNames),
		"make a secret of another type": creating(secretNamed("workspace-pull-secret"), "only write Secrets that are pull secrets"),
		"make another secret":           creating(secretNamed("another"), ownNames),
		"forget a workspace":            deleting(workspaceOf(stolenID), "only delete Workspaces whose state is Deleted"),
		"make another account":          creating(&corev1.ServiceAccount{ObjectMeta: child("another")}, ownNames),
		"delete somebody's object":      deleting(configMap(stolenNamespace, "theirs"), ownOnes),
		"write a quota's status": {refusal: subresources, request: func(ctx context.Context, c client.Client) error {
			quota := &corev1.ResourceQuota{ObjectMeta: child("workspace-quota")}
			nothing := client.RawPatch(types.MergePatchType, []byte(`{"status": {"hard": {}}}`))
			return c.Status().Patch(ctx, quota, nothing, client.DryRunAll)
		}},
	}
}

func namespaceAttempts() map[string]attempt {
	const named, relabel, security, labels, more = "names follow from their label", "not add the label", "Pod Security Standards",
		"only change its own labels and annotations", "sets no spec.finalizers"
	level := func(l string) map[string]string {
		return map[string]string{workspaceLabel: "x", enforceLabel: l}
	}
	old := level("baseline")
	old[enforceLabel+"-version"] = "v1.20"
	steering := level("baseline")
	steering["istio-injection"] = "disabled"
	reserved := level("baseline")
	reserved[workspaceLabel] = "system"
	ours, foreign := namespaceOf(stolenNamespace, nil), namespaceOf("flyte-foreign", nil)
	endless := namespaceOf("flyte-x", level("baseline"))
	endless.Spec.Finalizers = []corev1.FinalizerName{"company.com/thief"}
	return map[string]attempt{
		"make a namespace without a label":      creating(namespaceOf("flyte-x", nil), named),
		"make a namespace of another name":      creating(namespaceOf("x", level("baseline")), named),
		"make the namespace of another":         creating(namespaceOf("flyte-y", level("baseline")), named),
		"make a reserved namespace":             creating(namespaceOf("flyte-system", reserved), named),
		"make a privileged namespace":           creating(namespaceOf("flyte-x", level("privileged")), security),
		"make a namespace without Pod Security": creating(namespaceOf("flyte-x", map[string]string{workspaceLabel: "x"}), security),
		"make a namespace of an old standard":   creating(namespaceOf("flyte-x", old), security),
		"make a namespace that steers":          creating(namespaceOf("flyte-x", steering), labels),
		"make a namespace that never ends":      creating(endless, more),
		"weaken Pod Security":                   relabelling(stolenNamespace, enforceLabel, "privileged", security),
		"remove Pod Security":                   relabelling(stolenNamespace, enforceLabel, "null", security),
		"take a namespace":                      relabelling("flyte-foreign", workspaceLabel, "foreign", relabel),
		"take kube-system":                      relabelling(metav1.NamespaceSystem, workspaceLabel, "x", named),
		"touch kube-system":                     relabelling(metav1.NamespaceSystem, "x", "y", named),
		"give a namespace up":                   relabelling(stolenNamespace, workspaceLabel, "null", named),
		"give a namespace to another":           relabelling(stolenNamespace, workspaceLabel, "another", named),
		"steer policies":                        relabelling(stolenNamespace, "istio-injection", "disabled", labels),
		"stop what steers policies":             relabelling(stolenNamespace, "team", "null", labels),
		"steer by annotations":                  patching(ours, `{"metadata": {"annotations": {"openshift.io/node-selector": "x"}}}`, labels),
		"delete a namespace of Kubernetes":      deleting(namespaceOf("kube-node-lease", nil), named),
		"delete somebody's namespace":           deleting(foreign, named),
		"delete a namespace unseen":             deleting(ours, "with UID and resourceVersion"),
		"finish a namespace": {refusal: subresources, request: func(ctx context.Context, c client.Client) error {
			return c.SubResource("finalize").Update(ctx, namespaceOf(stolenNamespace, map[string]string{
				workspaceLabel: stolenID, enforceLabel: "baseline", "team": "theirs",
			}), &client.SubResourceUpdateOptions{UpdateOptions: client.UpdateOptions{DryRun: []string{metav1.DryRunAll}}})
		}},
	}
}

// Each attempt is refused by a policy even where RBAC allows all, and to the token that the pods of the service have.
func TestServicePolicy_RefusesAThief(t *testing.T) {
	unbounded, token := asUnboundedService(t), asService(t)
	prepareVictims(t)
	for _, attempts := range []map[string]attempt{
		namespaceAttempts(), objectAttempts(), accessAttempts(), metadataAttempts(), eventAttempts(),
	} {
		for name, a := range attempts {
			t.Run(name, func(t *testing.T) {
				if err := a.request(t.Context(), unbounded); !isDenied(err, a.refusal) {
					t.Errorf("where RBAC allows all, got %v, want the policy that says %q", err, a.refusal)
				}
				if err := a.request(t.Context(), token); !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) { // a role that is not there
					t.Errorf("with the token, got %v", err)
				}
				if err := a.request(t.Context(), clientFor(t, installed(t))); isDenied(err, "") {
					t.Errorf("somebody else was refused it: %v", err)
				}
			})
		}
	}
}

// prepareVictims creates the objects of the attempts.
func prepareVictims(t *testing.T) {
	t.Helper()
	admin := clientFor(t, installed(t))
	workspaceNamespace(t, stolenID)
	team := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": {"team": "theirs"}}}`))
	if err := admin.Patch(t.Context(), namespaceOf(stolenNamespace, nil), team); err != nil {
		t.Fatal(err)
	}
	for _, victim := range []client.Object{
		workspaceOf(stolenID), namespaceOf("flyte-foreign", nil),
		configMap(stolenNamespace, "theirs"), configMap(metav1.NamespaceSystem, "victim"),
		&corev1.ResourceQuota{ObjectMeta: child("workspace-quota")}, &corev1.ServiceAccount{ObjectMeta: child("flyte-workload")},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: stolenNamespace, Name: "theirs"}, RoleRef: binding("", "", "view").RoleRef,
		},
		binding(stolenNamespace, "workspace-editor", "workspace-flyte-integration-tenant-editor", user("ana@company.com")),
	} {
		err := admin.Create(t.Context(), victim)
		if client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	}
	awaitRootCA(t, admin)
}

// awaitRootCA returns when the controller manager has put the CA of the pods into the namespace.
func awaitRootCA(t *testing.T, admin client.Client) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := admin.Get(ctx, client.ObjectKey{Namespace: stolenNamespace, Name: "kube-root-ca.crt"}, &corev1.ConfigMap{})
		return err == nil, client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Fatalf("waiting for kube-root-ca.crt: %v", err)
	}
}
