package helm

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// path is a way to install and upgrade the chart: the version of Helm for each, and its flags.
type path struct {
	name             string
	install, upgrade []string
}

// paths are those that users of Helm take. Helm 4 keeps the method of an installed release unless it is told otherwise. Each path installs
// over what the path before has kept; their order lets each version of Helm, and each method, follow itself once.
func (s *suite) paths() []path {
	helm3, helm4 := s.helm3Path, s.helmPath
	takeOver := []string{helm4, "--server-side=true", "--force-conflicts"}
	return []path{
		{"Helm 3", []string{helm3}, []string{helm3}},
		{"Helm 3, then 4", []string{helm3}, []string{helm4}},
		{"Helm 4", []string{helm4}, []string{helm4}},
		{"Helm 4, client-side", []string{helm4, "--server-side=false"}, []string{helm4, "--server-side=false"}},
		{"Helm 4, client-side, then server-side", []string{helm4, "--server-side=false"}, takeOver},
	}
}

// TestPaths takes a release through its life on each path: an installation over what was kept, a changed tier and image, an upgrade of the
// CRDs, rollbacks, and an uninstallation during which a member keeps his access. Then it does the same with tools that apply the chart's
// manifests.
func TestPaths(t *testing.T) { //nolint:tparallel // the paths take turns in one cluster
	t.Parallel()
	s := start(t)
	s.grantMember(t)
	for _, p := range s.paths() {
		t.Run(p.name, func(t *testing.T) { s.takes(t, p) })
	}
	t.Run("another release", s.adopts)
	for _, r := range s.manifests() {
		t.Run(r.name, func(t *testing.T) { s.appliesManifests(t, r) })
	}
}

func (s *suite) takes(t *testing.T, p path) {
	t.Helper()
	s.must(t, p.install, "install", release, chart, "--create-namespace")
	s.wantCPU(t, "40")
	s.wantMember(t, "installed")
	s.must(t, p.upgrade, "upgrade", release, chart, "--set-string", "tiers.standard.quota.default.cpu=41", "--set", "image.tag=v9")
	s.wantCPU(t, "41")
	s.wantTag(t, "v9", true)
	s.makeCRDsOld(t)
	s.must(t, p.upgrade, "upgrade", release, chart)
	s.wantCPU(t, "40")
	s.wantTag(t, "v9", false)
	s.upgradeCRDs(t)
	if !s.crdHasCurrentSchema(t) {
		t.Error("the upgrade left the old CRD")
	}
	s.must(t, p.upgrade[:1], "rollback", release, "2")
	s.wantCPU(t, "41")
	// Helm 3 and client-side Helm 4 adopt a kept tier as it is: it must be that of the values before the release goes.
	s.must(t, p.upgrade[:1], "rollback", release, "1")
	s.wantCPU(t, "40")
	s.must(t, p.upgrade[:1], "uninstall", release)
	s.wantCPU(t, "40")
	s.wantMember(t, "uninstalled")
	key := client.ObjectKey{Namespace: namespace, Name: release}
	if err := s.admin.Get(t.Context(), key, &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Deployment is left: %v", err)
	}
}

// wantTag checks whether the Deployment's image has this tag.
func (s *suite) wantTag(t *testing.T, tag string, want bool) {
	t.Helper()
	image := get(t, s, &appsv1.Deployment{}, release).Spec.Template.Spec.Containers[0].Image
	if strings.HasSuffix(image, ":"+tag) != want {
		t.Errorf("the image is %s; want the tag %s: %t", image, tag, want)
	}
}

// adopts installs another release over what the others have kept.
func (s *suite) adopts(t *testing.T) {
	const other = "another-release"
	helm4 := []string{s.helmPath}
	if text, err := s.run(t, helm4, "install", other, chart); err == nil || !strings.Contains(text, "invalid ownership metadata") {
		t.Errorf("another release takes what the first has kept: %v\n%s", err, text)
	}
	s.must(t, append(helm4, "--take-ownership"), "install", other, chart)
	s.wantMember(t, "installed under another name")
	s.must(t, helm4, "uninstall", other)
	s.wantMember(t, "uninstalled under another name")
}

// run runs a version of Helm with its flags, as the cluster's admin.
func (s *suite) run(t *testing.T, with []string, args ...string) (output string, err error) {
	t.Helper()
	args = append(append(args, with[1:]...), "--namespace", namespace)
	if args[0] == "install" || args[0] == "upgrade" {
		args = append(args, "--set", "flyte.consoleURL=https://flyte.company.com", "--set", "webhook.existingSecret=not-used",
			"--set", "image.repository=registry.company.com/workspace-flyte-integration")
	}
	cmd := exec.CommandContext(t.Context(), with[0], args...)
	cmd.Env = s.helmEnv()
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func (s *suite) must(t *testing.T, with []string, args ...string) {
	t.Helper()
	if text, err := s.run(t, with, args...); err != nil {
		t.Fatalf("%s %s: %v\n%s", with[0], strings.Join(args, " "), err, text)
	}
}

func (s *suite) wantCPU(t *testing.T, want v1alpha1.Quantity) {
	t.Helper()
	var tier v1alpha1.WorkspaceTier
	harness.Must(t, s.admin.Get(t.Context(), client.ObjectKey{Name: v1alpha1.DefaultTier}, &tier))
	if got := tier.Spec.Quota.Default.CPU; got != want {
		t.Errorf("the tier's CPU is %s, want %s", got, want)
	}
}

const (
	memberNamespace = "flyte-kept"
	member          = "ana@company.com"
)

// grantMember gives a member access as the service does.
func (s *suite) grantMember(t *testing.T) {
	t.Helper()
	labels := map[string]string{v1alpha1.LabelWorkspace: "kept"}
	harness.Must(t, s.admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: memberNamespace, Labels: labels}}))
	harness.Must(t, s.admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: memberNamespace, Name: "workspace-editor"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "workspace-flyte-integration-tenant-editor"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: member}},
	}))
}

// wantMember checks what the member may do, and what a policy refuses to everybody in workspaces.
func (s *suite) wantMember(t *testing.T, when string) {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               member,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: memberNamespace, Verb: "create", Resource: "pods"},
	}}
	harness.Must(t, s.admin.Create(t.Context(), review))
	if !review.Status.Allowed {
		t.Errorf("%s, the member may not create pods: %s", when, review.Status.Reason)
	}
	exposed := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: memberNamespace, Name: "exposed"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "kubernetes.default.svc"},
	}
	eventually(t, when+", the policies for tenants to be in force", func(ctx context.Context) bool {
		return apierrors.IsForbidden(s.admin.Create(ctx, exposed.DeepCopy(), client.DryRunAll))
	})
}
