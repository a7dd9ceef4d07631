package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// failedPolicies is the audit annotation of a request that a ValidatingAdmissionPolicy has denied.
const failedPolicies = "validation.policy.admission.k8s.io/validation_failure"

// policiesStoodAside fails if the policies have denied the service anything in all of the stories. Who only impersonates
// it doesn't count.
func policiesStoodAside() error {
	text, err := os.ReadFile(world.cluster.AuditLogPath())
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	for line := range bytes.Lines(text) {
		var entry struct {
			audited
			ImpersonatedUser *struct{} `json:"impersonatedUser"`
		}
		if !bytes.Contains(line, []byte(failedPolicies)) || json.Unmarshal(line, &entry) != nil {
			continue
		}
		if entry.User.Username == serviceUser && entry.ImpersonatedUser == nil {
			return fmt.Errorf("a policy stood in the service's way: %s", line)
		}
	}
	return nil
}

// TestPoliciesAreInForce shows that the stories are told under them. The table of what they refuse is in package deploy.
func TestPoliciesAreInForce(t *testing.T) { awaitPolicies(t) }

// awaitPolicies returns when the API server holds the service and the people to the policies: these follow an informer,
// which may take its time after an installation.
func awaitPolicies(t *testing.T) {
	t.Helper()
	policiesInForce.Do(func() {
		const id, namespace = "guarded", "flyte-guarded"
		newMessage(t, workspace.EventCreated, team(id, 1)).mustDeliver(t)
		settled(t, id, v1alpha1.ReasonReady)
		meta := metav1.ObjectMeta{Namespace: namespace, Name: "x"}
		elsewhere := metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "workspace-config"}
		beside := metav1.ObjectMeta{Namespace: service.Namespace, Name: "workspace-config"}
		thief := as(t, serviceUser, "system:masters")
		awaitRefusal(t, thief, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "no-workspace"}})
		awaitRefusal(t, thief, &corev1.ConfigMap{ObjectMeta: elsewhere})
		awaitRefusal(t, thief, &corev1.ConfigMap{ObjectMeta: beside})
		awaitRefusal(t, thief, &corev1.ConfigMap{ObjectMeta: meta})
		external := corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}, ExternalIPs: []string{"8.8.8.8"}}
		awaitRefusal(t, world.admin, &corev1.Service{ObjectMeta: meta, Spec: external})
		token := meta
		token.Annotations = map[string]string{corev1.ServiceAccountNameKey: "flyte-workload"}
		awaitRefusal(t, world.admin, &corev1.Secret{ObjectMeta: token, Type: corev1.SecretTypeServiceAccountToken})
		pod := taskPod(id, "x")
		pod.Spec.PriorityClassName = "system-node-critical"
		awaitRefusal(t, world.admin, pod)
	})
	if t.Failed() {
		t.FailNow()
	}
}

var policiesInForce sync.Once

// awaitRefusal returns when a policy refuses the object.
func awaitRefusal(t *testing.T, c client.Client, object client.Object) {
	t.Helper()
	eventually(t, fmt.Sprintf("a refusal of %T %s/%s", object, object.GetNamespace(), object.GetName()), func(ctx context.Context) bool {
		err := c.Create(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
		return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy")
	})
}

// TestServiceRepairsEverythingUnderThePolicies takes each object of a workspace away, and the labels off each.
func TestServiceRepairsEverythingUnderThePolicies(t *testing.T) {
	awaitPolicies(t)
	const id = "mended"
	newMessage(t, workspace.EventCreated, team(id, 1)).mustDeliver(t)
	settled(t, id, v1alpha1.ReasonReady)
	before := labelsOf(t, id)
	if len(before) < 7 {
		t.Fatalf("the workspace has only %v", before)
	}
	for _, object := range objectsOf(t, id) {
		bare := object.DeepCopyObject().(client.Object)
		bare.SetLabels(nil)
		if err := world.admin.Patch(t.Context(), bare, client.MergeFrom(object)); err != nil {
			t.Error(err)
		}
	}
	awaitLabels(t, id, before)
	for _, object := range objectsOf(t, id) {
		if err := world.admin.Delete(t.Context(), object); err != nil {
			t.Error(err)
		}
	}
	awaitLabels(t, id, before)
	namespace := live(t, &corev1.Namespace{}, "", "flyte-"+id)
	weak := namespace.DeepCopy()
	weak.Labels["pod-security.kubernetes.io/enforce"] = "privileged"
	weak.Labels["pod-security.kubernetes.io/enforce-version"] = "v1.20"
	weak.Labels["team.company.com/cost"] = "42"
	delete(weak.Labels, v1alpha1.LabelManagedBy)
	if err := world.admin.Patch(t.Context(), weak, client.MergeFrom(namespace)); err != nil {
		t.Fatal(err)
	}
	want := namespace.Labels
	want["team.company.com/cost"] = "42"
	eventually(t, "the namespace to be as it was", func(ctx context.Context) bool {
		err := world.admin.Get(ctx, named("flyte-"+id), namespace)
		return err == nil && cmp.Equal(want, namespace.Labels)
	})
}

// objectsOf are the objects in the namespace of a workspace that carry the service's label.
func objectsOf(t testing.TB, id string) (objects []client.Object) {
	t.Helper()
	for _, kind := range k8s.Children() {
		gvk, err := world.admin.GroupVersionKindFor(kind)
		if err != nil {
			t.Fatal(err)
		}
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk)
		ours := client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
		if err := world.admin.List(t.Context(), list, client.InNamespace("flyte-"+id), ours); err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(gvk)
			objects = append(objects, &list.Items[i])
		}
	}
	return objects
}

// labelsOf are the labels of these objects, by kind and name.
func labelsOf(t testing.TB, id string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, object := range objectsOf(t, id) {
		all[object.GetObjectKind().GroupVersionKind().Kind+" "+object.GetName()] = object.GetLabels()
	}
	return all
}

func awaitLabels(t *testing.T, id string, want map[string]map[string]string) {
	t.Helper()
	eventually(t, "all objects to be there again", func(context.Context) bool { return cmp.Equal(want, labelsOf(t, id)) })
}
