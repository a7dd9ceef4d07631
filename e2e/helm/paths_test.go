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
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// path is a way to install and upgrade the chart: the version of Helm for each, and its flags.
type path struct {
	name             string
	install, upgrade []string
}

// paths are those that users of Helm take. Helm 4 keeps the method of an installed release unless it is told otherwise.
func (s *suite) paths() []path {
	helm3, helm4 := s.helm3Path, s.helmPath
	takeOver := []string{helm4, "--server-side=true", "--force-conflicts"}
	return []path{
		{"Helm 3", []string{helm3}, []string{helm3}},
		{"Helm 4", []string{helm4}, []string{helm4}},
		{"Helm 4, client-side", []string{helm4, "--server-side=false"}, []string{helm4, "--server-side=false"}},
		{"Helm 3, then 4", []string{helm3}, []string{helm4}},
		{"Helm 4, client-side, then server-side", []string{helm4, "--server-side=false"}, takeOver},
	}
}

// TestPaths takes a release through its life on each path: a changed tier, a changed image, a rollback, an uninstallation during which a
// member keeps his access, and an installation over what was kept.
func TestPaths(t *testing.T) { //nolint:tparallel // the paths take turns in one cluster
	t.Parallel()
	s := start(t)
	s.grantMember(t)
	for _, p := range s.paths() {
		t.Run(p.name, func(t *testing.T) { s.takes(t, p) })
	}
}

func (s *suite) takes(t *testing.T, p path) {
	t.Helper()
	values := []string{
		"--set", "flyte.consoleURL=https://flyte.company.com", "--set", "webhook.secret=" + signature.NewSecret(),
		"--set", "image.repository=registry.company.com/workspace-flyte-integration",
	}
	run := func(with []string, args ...string) {
		t.Helper()
		args = append(args, with[1:]...)
		if text, err := s.run(t, with[0], append(args, values...)...); err != nil {
			t.Fatalf("%s %s: %v\n%s", with[0], strings.Join(args, " "), err, text)
		}
	}
	run(p.install, "install", release, chart, "--create-namespace")
	s.wantCPU(t, "40")
	s.wantMember(t, "installed")

	run(p.upgrade, "upgrade", release, chart, "--set-string", "tiers.standard.quota.default.cpu=41")
	s.wantCPU(t, "41")
	run(p.upgrade, "upgrade", release, chart, "--set", "image.tag=v9")
	s.wantCPU(t, "40")
	if image := get(t, s, &appsv1.Deployment{}, release).Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(image, ":v9") {
		t.Errorf("the image is %s", image)
	}
	s.must(t, p.upgrade[0], "rollback", release, "2")
	s.wantCPU(t, "41")
	s.must(t, p.upgrade[0], "rollback", release, "1")
	s.wantCPU(t, "40")

	s.must(t, p.upgrade[0], "uninstall", release)
	s.wantCPU(t, "40")
	s.wantMember(t, "uninstalled")
	key := client.ObjectKey{Namespace: namespace, Name: release}
	if err := s.admin.Get(t.Context(), key, &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Deployment is left: %v", err)
	}
	run(p.install, "install", release, chart)
	s.wantMember(t, "installed again")
	s.must(t, p.install[0], "uninstall", release)

	const other = "another-release"
	if text, err := s.run(t, p.install[0], append([]string{"install", other, chart}, values...)...); err == nil ||
		!strings.Contains(text, "invalid ownership metadata") {
		t.Errorf("another release takes what this one has kept: %v\n%s", err, text)
	}
	run(append(p.install, "--take-ownership"), "install", other, chart)
	s.wantMember(t, "installed under another name")
	s.must(t, p.install[0], "uninstall", other)
	run(append(p.install, "--take-ownership"), "install", release, chart)
	s.must(t, p.install[0], "uninstall", release)
}

// run runs a version of Helm as the cluster's admin.
func (s *suite) run(t *testing.T, program string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append(args, "--namespace", namespace)...)
	cmd.Env = s.helmEnv()
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func (s *suite) must(t *testing.T, program string, args ...string) {
	t.Helper()
	if text, err := s.run(t, program, args...); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, text)
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
