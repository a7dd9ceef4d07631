package life

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/e2e/flytepods"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// propeller is a client of Flyte's engine, which may create pods in every namespace (Flyte's chart, propeller/rbac.yaml).
func propeller(t *testing.T) client.Client {
	t.Helper()
	env := shared.Env()
	name := metav1.ObjectMeta{Name: "flytepropeller-of-" + strings.ToLower(t.Name())}
	role := &rbacv1.ClusterRole{ObjectMeta: name, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "flyte-system", Name: "flytepropeller"}},
	}
	for _, o := range []client.Object{role, binding} {
		harness.Must(t, env.Admin.Create(t.Context(), o))
		t.Cleanup(func() { harness.Must(t, env.Admin.Delete(context.WithoutCancel(t.Context()), o)) })
	}
	flyte := env.AsAccount(t, "flyte-system", "flytepropeller")
	harness.Eventually(t, "the API server to know its rights", func(ctx context.Context) bool {
		return flyte.List(ctx, &corev1.PodList{}, client.InNamespace("flyte-system")) == nil
	})
	return flyte
}

// awaitQuota waits until the quota has a status: until then Kubernetes admits all pods.
func awaitQuota(t *testing.T, id string) {
	t.Helper()
	env := shared.Env()
	harness.Eventually(t, "the quota to have a status", func(ctx context.Context) bool {
		var quota corev1.ResourceQuota
		err := env.Admin.Get(ctx, client.ObjectKey{Namespace: "flyte-" + id, Name: "workspace-quota"}, &quota)
		return err == nil && equality.Semantic.DeepEqual(quota.Spec.Hard, quota.Status.Hard)
	})
}

func TestPodsOfPropellerAreAdmitted(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	awaitPolicies(t)
	const id = "propeller"
	env.Create(t, harness.Data(id, 1))
	flyte := propeller(t)
	for name, change := range map[string]func(*corev1.Pod){
		"task":    func(*corev1.Pod) {},
		"copilot": flytepods.Copilot,
		"bare":    func(p *corev1.Pod) { p.Spec.Containers[0].Resources = corev1.ResourceRequirements{} }, // the LimitRange fills them in
		"gpu": func(p *corev1.Pod) {
			gpu := corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
			p.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: gpu, Limits: gpu}
			p.Spec.Tolerations = []corev1.Toleration{{Key: "nvidia.com/gpu", Operator: corev1.TolerationOpExists}} // Flyte's resource-tolerations
		},
		"interruptible": func(p *corev1.Pod) {
			p.Labels["interruptible"] = "true"
			p.Spec.Tolerations = []corev1.Toleration{{Key: "flyte.org/node-role", Operator: corev1.TolerationOpEqual, Value: "worker"}}
			p.Spec.NodeSelector = map[string]string{"flyte.org/node-role": "worker"}
		},
		"spark-driver":   flytepods.SparkDriver,
		"spark-executor": flytepods.SparkExecutor,
		"ray-head":       flytepods.RayHead,
		"ray-worker":     flytepods.RayWorker,
	} {
		pod := flytepods.Task(id, name)
		change(pod)
		if err := flyte.Create(t.Context(), pod); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPodsThatWouldLeaveTheirWorkspaceAreRefused(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	awaitPolicies(t)
	const id = "jail"
	env.Create(t, harness.Data(id, 1))
	flyte := propeller(t)
	security := func(change func(*corev1.SecurityContext)) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{}
			change(p.Spec.Containers[0].SecurityContext)
		}
	}
	const standard = `violates PodSecurity "baseline:latest": `
	awaitQuota(t, id)
	for name, c := range map[string]struct {
		change func(*corev1.Pod)
		want   string
	}{
		"privileged": {security(func(s *corev1.SecurityContext) { s.Privileged = new(true) }), standard + "privileged"},
		"host path": {func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "root", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		}, standard + "hostPath volumes"},
		"host network":   {func(p *corev1.Pod) { p.Spec.HostNetwork = true }, standard + "host namespaces"},
		"host processes": {func(p *corev1.Pod) { p.Spec.HostPID = true }, standard + "host namespaces"},
		"host port": {func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		}, standard + "hostPort"},
		"a capability": {security(func(s *corev1.SecurityContext) {
			s.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"SYS_PTRACE"}} // as the copilot of older Flyte
		}), standard + "non-default capabilities"},
		"a priority of the system": {func(p *corev1.Pod) {
			p.Spec.PriorityClassName = "system-cluster-critical"
		}, "none of these priority classes"},
		"more than the quota": {func(p *corev1.Pod) {
			many := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("21"), corev1.ResourceMemory: resource.MustParse("1Gi")}
			p.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: many, Limits: many}
		}, "exceeded quota: workspace-quota"},
		"an account that is not there": {func(p *corev1.Pod) { p.Spec.ServiceAccountName = "flytepropeller" }, "not found"},
	} {
		pod := flytepods.Task(id, strings.ReplaceAll(name, " ", "-"))
		c.change(pod)
		err := flyte.Create(t.Context(), pod, client.DryRunAll)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a refusal that says %q", name, err, c.want)
		}
	}
}
