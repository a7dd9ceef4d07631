package deploy_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Controllers write some of the objects, too: a status, or the replicas of an autoscaler. They stop soon, while an Apply that changed
// something would change it in each round.
func TestApply_ChangesNothingTheSecondTime(t *testing.T) {
	cfg := installed(t)
	admin, objects := clientFor(t, cfg), rendered(t, ciValues(t, "default"))
	var written []string
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		before, err := versions(ctx, admin, objects)
		if err != nil {
			return false, err
		}
		if err := deploy.Apply(ctx, cfg, objects); err != nil {
			return false, err
		}
		after, err := versions(ctx, admin, objects)
		written = slices.DeleteFunc(slices.Sorted(maps.Keys(after)), func(name string) bool { return before[name] == after[name] })
		return len(written) == 0, err
	})
	if err != nil {
		t.Fatalf("%v; written again: %q", err, written)
	}
}

func versions(ctx context.Context, admin client.Client, objects []*unstructured.Unstructured) (map[string]string, error) {
	found := map[string]string{}
	for _, object := range objects {
		have := &unstructured.Unstructured{}
		have.SetGroupVersionKind(object.GroupVersionKind())
		if err := admin.Get(ctx, client.ObjectKeyFromObject(object), have); err != nil {
			return nil, err
		}
		found[object.GetKind()+" "+object.GetName()] = have.GetResourceVersion()
	}
	return found, nil
}

func TestApply_InstallsIntoANewNamespace(t *testing.T) {
	cfg := installed(t)
	account := &unstructured.Unstructured{}
	account.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccount"))
	account.SetNamespace("made-by-apply")
	account.SetName("robot")
	for range 2 {
		if err := deploy.Apply(t.Context(), cfg, []*unstructured.Unstructured{account}); err != nil {
			t.Fatal(err)
		}
	}
	if err := clientFor(t, cfg).Get(t.Context(), client.ObjectKeyFromObject(account), &corev1.ServiceAccount{}); err != nil {
		t.Error(err)
	}
}

func TestApply_NamesWhatTheServerRefuses(t *testing.T) {
	cfg := installed(t)
	object := func(text map[string]any) []*unstructured.Unstructured {
		return []*unstructured.Unstructured{{Object: text}}
	}
	for name, c := range map[string]struct {
		objects []*unstructured.Unstructured
		want    []string
	}{
		"an unknown field": {object(map[string]any{
			"apiVersion": "platform.company.com/v1alpha1", "kind": "WorkspaceTier", "metadata": map[string]any{"name": "odd"},
			"spec": map[string]any{"qouta": map[string]any{}},
		}), []string{`WorkspaceTier "odd"`, "spec.qouta"}},
		"an unknown kind": {object(map[string]any{
			"apiVersion": "platform.company.com/v1alpha1", "kind": "Workshop", "metadata": map[string]any{"name": "odd"},
		}), []string{`Workshop "odd"`, "no matches for kind"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := deploy.Apply(t.Context(), cfg, c.objects)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to say %q", err, want)
				}
			}
		})
	}
}

// The next object may be of the CRD's kind, and the API server needs time to serve that. There are several CRDs, since one could be
// served in time by chance.
func TestApply_AwaitsEachCRD(t *testing.T) {
	cfg := installed(t)
	tiers := find(t, rendered(t, ciValues(t, "default")), "CustomResourceDefinition", "workspacetiers.platform.company.com")
	var objects []*unstructured.Unstructured
	for _, letter := range []string{"a", "b", "c", "d", "e"} {
		crd := renamed(t, tiers, "kind"+letter)
		object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
		object.SetAPIVersion("platform.company.com/v1alpha1")
		object.SetKind("kind" + letter)
		object.SetName("x")
		objects = append(objects, crd, object)
	}
	defer func() {
		for i := 0; i < len(objects); i += 2 {
			remove(t, objects[i])
		}
	}()
	if err := deploy.Apply(t.Context(), cfg, objects); err != nil {
		t.Error(err)
	}
}

// renamed is a CRD of the same schema for another kind.
func renamed(t *testing.T, crd *unstructured.Unstructured, kind string) *unstructured.Unstructured {
	t.Helper()
	crd = crd.DeepCopy()
	crd.SetName(kind + "s.platform.company.com")
	names := map[string]any{"plural": kind + "s", "singular": kind, "kind": kind, "listKind": kind + "List"}
	if err := unstructured.SetNestedMap(crd.Object, names, "spec", "names"); err != nil {
		t.Fatal(err)
	}
	return crd
}

func remove(t *testing.T, object client.Object) {
	t.Helper()
	if err := clientFor(t, installed(t)).Delete(context.WithoutCancel(t.Context()), object); err != nil {
		t.Error(err)
	}
}

// The API server never accepts the names of another CRD: Apply must stop waiting, and return the reason.
func TestApply_TellsWhyACRDIsNotEstablished(t *testing.T) {
	cfg := installed(t)
	crd := renamed(t, find(t, rendered(t, ciValues(t, "default")), "CustomResourceDefinition", "workspaces.platform.company.com"), "room")
	if err := unstructured.SetNestedField(crd.Object, "Workspace", "spec", "names", "kind"); err != nil {
		t.Fatal(err)
	}
	defer remove(t, crd)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := deploy.Apply(ctx, cfg, []*unstructured.Unstructured{crd})
	if err == nil || !strings.Contains(err.Error(), "refuses its names") {
		t.Errorf("got %v", err)
	}
}

// The pods must start in a namespace that allows nothing but the restricted Pod Security Standard.
func TestApply_PodsAreRestricted(t *testing.T) {
	admin := clientFor(t, installed(t))
	var deployment appsv1.Deployment
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: fullName}, &deployment); err != nil {
		t.Fatal(err)
	}
	restricted := createNamespace(t, admin, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: restricted, Name: fullName}}
	if err := admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: restricted, Name: "pod"}, Spec: deployment.Spec.Template.Spec}
	if err := admin.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
	pod.Spec.Containers[0].SecurityContext.Capabilities = nil
	if err := admin.Create(t.Context(), pod, client.DryRunAll); err == nil {
		t.Error("the namespace takes any pod")
	}
}
