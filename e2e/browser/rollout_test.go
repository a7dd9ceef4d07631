package browser

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const rolledOut = "rolled-out"

// TestRollOut: the page of the roll-out follows the pods of the Deployment, and is for users who may list pods there.
func TestRollOut(t *testing.T) {
	t.Parallel()
	grantRollOut(t)
	d := deployment()
	harness.Must(t, shared.Env().Admin.Create(t.Context(), d))
	replica, err := shared.Env().Service.Replica(t.Context(), "shows-rollout")
	harness.Must(t, err)
	replica.Set("PAGE_ROLLOUT", rolledOut)
	harness.Must(t, replica.Start(t.Context()))
	t.Cleanup(replica.Stop)
	b := newTab(t)
	_, token := account(t, "sees-workspaces", everything)
	b.run(chromedp.Navigate(replica.URL + "/ui/rollout"))
	b.paste(token)
	b.shows("You may not see this")
	b.click(".session button")
	b.awaits("the sign-in", `location.pathname === "/ui/signin"`)
	b.run(chromedp.Navigate(replica.URL + "/ui/rollout"))
	_, token = account(t, "sees-pods", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}})
	b.paste(token)
	b.shows("Updating: 0/1 ready")
	b.shows("registry.company.com/service:v1")
	b.awaits("a pod that is pending", `document.querySelector("td .badge.busy")?.textContent === "Pending"`)
	b.mark()
	setPodStatus(t, corev1.ContainerStatus{Name: "service", RestartCount: 4, State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"},
	}})
	b.awaits("a pod that fails", `document.querySelector("td .badge.bad")?.textContent === "CrashLoopBackOff"`)
	b.accessible("roll-out")
	before := d.DeepCopy()
	d.Spec.Template.Spec.Containers[0].Image = "registry.company.com/service:v2"
	harness.Must(t, shared.Env().Admin.Patch(t.Context(), d, client.MergeFrom(before)))
	b.awaits("the second revision", `document.querySelector("#revisions ~ div tbody th").textContent.trim().startsWith("2")`)
	b.isMarked()
}

// grantRollOut gives the service the rights of the chart's page.rollout.
func grantRollOut(t *testing.T) {
	t.Helper()
	admin := shared.Env().Admin
	harness.Must(t, admin.Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: rolledOut},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, ResourceNames: []string{rolledOut}, Verbs: []string{"get"}},
			{APIGroups: []string{"apps"}, Resources: []string{"replicasets"}, Verbs: []string{"list"}},
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
		},
	}))
	harness.Must(t, admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: rolledOut},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: rolledOut},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: service.Namespace, Name: "workspace-flyte-integration"}},
	}))
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app": rolledOut}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: rolledOut},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "service", Image: "registry.company.com/service:v1"}}},
			},
		},
	}
}

// setPodStatus writes the status of the only pod as a kubelet would.
func setPodStatus(t *testing.T, container corev1.ContainerStatus) {
	t.Helper()
	var pods corev1.PodList
	admin := shared.Env().Admin
	harness.Must(t, admin.List(t.Context(), &pods, client.InNamespace(service.Namespace), client.MatchingLabels{"app": rolledOut}))
	if len(pods.Items) != 1 {
		t.Fatalf("there are %d pods", len(pods.Items))
	}
	pod, before := &pods.Items[0], pods.Items[0].DeepCopy()
	pod.Status.Phase, pod.Status.ContainerStatuses = corev1.PodRunning, []corev1.ContainerStatus{container}
	harness.Must(t, admin.Status().Patch(context.WithoutCancel(t.Context()), pod, client.MergeFrom(before)))
}
