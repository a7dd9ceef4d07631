package life

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/flytepods"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// TestPoliciesAreInForce shows that the tests run under the chart's policies. The table of what these refuse is in package deploy.
func TestPoliciesAreInForce(t *testing.T) {
	t.Parallel()
	awaitPolicies(t)
}

// awaitPolicies waits until the API server enforces the chart's policies on the service and on members: it reads policies by an informer,
// which may take a while after an installation.
func awaitPolicies(t *testing.T) {
	t.Helper()
	env := shared.Env()
	const id, namespace = "guarded", "flyte-guarded"
	env.Create(t, harness.Data(id, 1))
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "x"}
	elsewhere := metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "workspace-config"}
	beside := metav1.ObjectMeta{Namespace: service.Namespace, Name: "workspace-config"}
	thief := env.As(t, harness.ServiceUser, "system:masters")
	awaitRefusal(t, thief, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "no-workspace"}})
	awaitRefusal(t, thief, &corev1.ConfigMap{ObjectMeta: elsewhere})
	awaitRefusal(t, thief, &corev1.ConfigMap{ObjectMeta: beside})
	awaitRefusal(t, thief, &corev1.ConfigMap{ObjectMeta: meta})
	external := corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}, ExternalIPs: []string{"8.8.8.8"}}
	awaitRefusal(t, env.Admin, &corev1.Service{ObjectMeta: meta, Spec: external})
	token := meta
	token.Annotations = map[string]string{corev1.ServiceAccountNameKey: "flyte-workload"}
	awaitRefusal(t, env.Admin, &corev1.Secret{ObjectMeta: token, Type: corev1.SecretTypeServiceAccountToken})
	pod := flytepods.Task(id, "x")
	pod.Spec.PriorityClassName = "system-node-critical"
	awaitRefusal(t, env.Admin, pod)
}

// awaitRefusal waits until a policy refuses the object.
func awaitRefusal(t *testing.T, c client.Client, object client.Object) {
	t.Helper()
	what := fmt.Sprintf("a policy to refuse %T %s/%s", object, object.GetNamespace(), object.GetName())
	harness.Eventually(t, what, func(ctx context.Context) bool {
		err := c.Create(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
		return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy")
	})
}
