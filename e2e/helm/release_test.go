package helm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	pollInterval = 100 * time.Millisecond
	patience     = 3 * time.Minute
	stopGrace    = 40 * time.Second
	workspaces   = 3
)

func eventually(t *testing.T, what string, condition func(context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		return condition(ctx), nil
	})
	if err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

// TestRelease installs the previous chart, upgrades it to this one, tests it, rolls it back, upgrades it again and uninstalls it: the
// workspaces and their namespaces stay the same objects all the time.
func TestRelease(t *testing.T) { //nolint:tparallel // its subtests are steps, in order
	t.Parallel()
	s := start(t)
	values := []string{
		"--set", "flyte.consoleURL=https://flyte.company.com", "--set", "webhook.secret=" + signature.NewSecret(),
		"--set", "image.repository=registry.company.com/workspace-flyte-integration", "--wait", "--timeout", "5m",
	}
	s.mustHelm(t, append([]string{"install", release, previous, "--create-namespace"}, values...)...)
	s.rolledOut(t)
	var kept map[string]types.UID
	t.Run("provision", func(t *testing.T) {
		s.grantPresentRights(t)
		s.runService(t)
		s.provision(t)
		kept = s.identities(t)
	})

	s.upgradeCRDs(t)
	s.mustHelm(t, append([]string{"upgrade", release, chart, "--take-ownership"}, values...)...)
	s.rolledOut(t)
	s.unchanged(t, kept, "the upgrade")
	if !s.crdHasCurrentSchema(t) {
		t.Error("the upgrade left the old CRD")
	}

	t.Run("test", func(t *testing.T) { s.passesItsTest(t, s.runService(t)) })

	s.mustHelm(t, "rollback", release, "1", "--wait", "--timeout", "5m", "--force-conflicts") // to CRDs among the templates
	s.rolledOut(t)
	s.unchanged(t, kept, "the rollback")
	s.upgradeCRDs(t)
	s.mustHelm(t, append([]string{"upgrade", release, chart, "--take-ownership", "--set", "page.rollout=true"}, values...)...)
	s.rolledOut(t)
	t.Run("roll-out", func(t *testing.T) { s.showsRollout(t, s.runService(t), "4") })

	s.mustHelm(t, "uninstall", release, "--wait", "--timeout", "5m")
	s.unchanged(t, kept, "uninstalling")
	for _, o := range []client.Object{&appsv1.Deployment{}, &rbacv1.ClusterRole{}, &corev1.ConfigMap{}} {
		if err := s.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: release}, o); !apierrors.IsNotFound(err) {
			t.Errorf("a %T is left: %v", o, err)
		}
	}

	// It installs again over what was kept.
	s.mustHelm(t, append([]string{"install", release, chart}, values...)...)
	s.rolledOut(t)
	s.unchanged(t, kept, "installing again")
}

// upgradeCRDs does what the container of the chart's Job would, under the account that the chart gives the Job: kwok lets the Job succeed
// without running it.
func (s *suite) upgradeCRDs(t *testing.T) {
	t.Helper()
	hooks := s.mustHelm(t, "template", release, chart, "--is-upgrade", "--show-only", "templates/crd-upgrade.yaml",
		"--set", "flyte.consoleURL=https://flyte.company.com", "--set", "webhook.existingSecret=x")
	for text := range strings.SplitSeq(hooks, "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		if o.GetKind() == "" || o.GetKind() == "Job" {
			continue
		}
		err := s.admin.Create(t.Context(), o)
		harness.Must(t, client.IgnoreAlreadyExists(err))
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := devcluster.WriteKubeconfig(kubeconfig, s.account(t, release+"-crds")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.integration, "--upgrade-crds")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), crdKey.Name) {
		t.Fatalf("%v: %s", err, text)
	}
}

// rolledOut waits until all three replicas are ready and of the newest template.
func (s *suite) rolledOut(t *testing.T) {
	t.Helper()
	eventually(t, "3 of 3 replicas", func(ctx context.Context) bool {
		var d appsv1.Deployment
		err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release}, &d)
		s := d.Status
		return err == nil && s.ObservedGeneration == d.Generation && *d.Spec.Replicas == 3 && s.Replicas == 3 &&
			s.ReadyReplicas == 3 && s.UpdatedReplicas == 3
	})
}

func (s *suite) provision(t *testing.T) {
	t.Helper()
	for i := range workspaces {
		w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("kept-%d", i)}}
		w.Spec.DisplayName = v1alpha1.Text(w.Name)
		if err := s.admin.Create(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		eventually(t, w.Name+" to be Ready", func(ctx context.Context) bool {
			err := s.admin.Get(ctx, client.ObjectKeyFromObject(w), w)
			return err == nil && meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionReady)
		})
	}
}

// identities are the UIDs of the workspaces and of their namespaces.
func (s *suite) identities(t *testing.T) map[string]types.UID {
	t.Helper()
	found := map[string]types.UID{}
	var ws v1alpha1.WorkspaceList
	var namespaces corev1.NamespaceList
	for _, l := range []client.ObjectList{&ws, &namespaces} {
		if err := s.admin.List(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	for i := range ws.Items {
		found[ws.Items[i].Name] = ws.Items[i].UID
	}
	for i := range namespaces.Items {
		if strings.HasPrefix(namespaces.Items[i].Name, "flyte-") {
			found[namespaces.Items[i].Name] = namespaces.Items[i].UID
		}
	}
	return found
}

func (s *suite) unchanged(t *testing.T, kept map[string]types.UID, by string) {
	t.Helper()
	now := s.identities(t)
	for name, uid := range kept {
		if now[name] != uid {
			t.Errorf("%s did not keep %s", by, name)
		}
	}
	if len(kept) != 2*workspaces {
		t.Errorf("%d objects were compared, want %d", len(kept), 2*workspaces)
	}
}

var crdKey = client.ObjectKey{Name: "workspacetiers.platform.company.com"}

func crd() *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	return o
}

// fieldOfCurrentSchema is where a CRD has a field that version 0.1.0 did not have.
var fieldOfCurrentSchema = []string{"schema", "openAPIV3Schema", "properties", "spec", "properties", "allowedWorkspaces"}

// crdHasCurrentSchema reports whether the CRD has that field.
func (s *suite) crdHasCurrentSchema(t *testing.T) bool {
	t.Helper()
	o := crd()
	if err := s.admin.Get(t.Context(), crdKey, o); err != nil {
		t.Fatal(err)
	}
	versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
	_, found, _ := unstructured.NestedMap(versions[0].(map[string]any), fieldOfCurrentSchema...)
	return found
}

// passesItsTest runs `helm test`, whose Job kwok lets pass, and what the Job's container would run, against the service at url.
func (s *suite) passesItsTest(t *testing.T, url string) {
	t.Helper()
	if text := s.mustHelm(t, "test", release, "--timeout", "5m"); !strings.Contains(text, "Succeeded") {
		t.Errorf("helm test says:\n%s", text)
	}
	pod := s.testPod(t)
	inside := fmt.Sprintf("http://%s.%s.svc:80", release, namespace)
	if want := []string{"--test", inside}; strings.Join(pod.Containers[0].Args, " ") != strings.Join(want, " ") {
		t.Fatalf("the test's arguments are %q", pod.Containers[0].Args)
	}
	cmd := exec.CommandContext(t.Context(), s.integration, "--test", url)
	cmd.Env = list(s.environment(t, pod))
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "a signed ping was taken") {
		t.Errorf("the test's container: %v\n%s", err, text)
	}
}

// grantPresentRights grants the service the permissions of the present chart until the test ends: the service of the previous chart
// can't be built here, and the present one needs permissions that the previous chart does not grant.
func (s *suite) grantPresentRights(t *testing.T) {
	t.Helper()
	const name = "present-service-under-previous-chart"
	var cluster rbacv1.ClusterRole
	readRules(t, "../../rbac/role.yaml", &cluster)
	cluster.Name = name
	var inDefault rbacv1.Role
	readRules(t, "../../charts/workspace-flyte-integration/files/api-server-role.yaml", &inDefault)
	inDefault.Namespace, inDefault.Name = metav1.NamespaceDefault, name
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: release}}
	for _, o := range []client.Object{
		&cluster, &inDefault,
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name}, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		},
	} {
		if err := s.admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.admin.Delete(context.WithoutCancel(t.Context()), o); err != nil {
				t.Error(err)
			}
		})
	}
}

func readRules(t *testing.T, path string, role any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, role); err != nil {
		t.Fatal(err)
	}
}
