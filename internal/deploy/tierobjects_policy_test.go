package deploy_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const tierObjectAnnotation = "platform.company.com/tier-object"

// crdOf is a kind of the group test.company.com.
func crdOf(plural, kind, scope string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": plural + ".test.company.com"},
		"spec": map[string]any{
			"group": "test.company.com", "scope": scope, "names": map[string]any{"plural": plural, "kind": kind},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true, "subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}}
}

// withTierObjects is a control plane with the chart, whose tiers may have ConfigMaps, Widgets and Worlds.
func withTierObjects(t *testing.T) (admin, unbounded, token client.Client) {
	t.Helper()
	cluster, err := devcluster.Start(t.Context(), devcluster.Options{Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	admin = clientFor(t, cluster.Config())
	for _, crd := range []client.Object{crdOf("widgets", "Widget", "Namespaced"), crdOf("worlds", "World", "Cluster")} {
		if err := admin.Create(t.Context(), crd); err != nil {
			t.Fatal(err)
		}
	}
	values := with(ciValues(t, "default"), "tierObjects", []any{widgets, worlds, configMaps})
	if err := deploy.Apply(t.Context(), cluster.Config(), rendered(t, values)); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fullName}}
	request := &authenticationv1.TokenRequest{}
	if err := admin.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	bounded := rest.AnonymousClientConfig(cluster.Config())
	bounded.BearerToken = request.Status.Token
	cfg := cluster.Config()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: accountUser, Groups: []string{"system:masters"}}
	return admin, clientFor(t, cfg), clientFor(t, bounded)
}

// ofTier is an object as the service makes it of a tier's template.
func ofTier(kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "test.company.com/v1", "kind": kind}}
	if kind == "ConfigMap" {
		o.SetAPIVersion("v1")
	}
	o.SetNamespace(namespace)
	o.SetName(name)
	o.SetLabels(map[string]string{workspaceLabel: stolenID, managedByLabel: fullName})
	of := o.GroupVersionKind().GroupKind().String() + "/" + namespace + "/" + name
	o.SetAnnotations(map[string]string{tierObjectAnnotation: `{"of":"` + of + `","fields":{}}`})
	return o
}

func without(o *unstructured.Unstructured, path ...string) *unstructured.Unstructured {
	unstructured.RemoveNestedField(o.Object, path...)
	return o
}

const onlyTemplates = "only write objects that the template of a tier made"

func tierObjectAttempts() map[string]attempt {
	elsewhere := ofTier("Widget", stolenNamespace, "mine")
	elsewhere.SetLabels(map[string]string{workspaceLabel: "another", managedByLabel: fullName})
	copied, ofAnotherKind := ofTier("Widget", stolenNamespace, "mine"), ofTier("Widget", stolenNamespace, "mine")
	copied.SetName("copied")
	ofAnotherKind.SetAnnotations(ofTier("ConfigMap", stolenNamespace, "mine").GetAnnotations())
	owner := ofTier("Widget", stolenNamespace, "mine")
	owner.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "x"}})
	endless := ofTier("Widget", stolenNamespace, "mine")
	endless.SetFinalizers([]string{"company.com/thief"})
	inCluster := ofTier("World", "", "mine")
	inCluster.SetAnnotations(map[string]string{tierObjectAnnotation: `{"of":"World.test.company.com//mine","fields":{}}`})
	unmarked := func(kind string) *unstructured.Unstructured {
		return without(ofTier(kind, stolenNamespace, "mine"), "metadata", "annotations")
	}
	theirs, theirMap := ofTier("Widget", stolenNamespace, "theirs"), ofTier("ConfigMap", stolenNamespace, "theirs")
	taking := func(o *unstructured.Unstructured) attempt {
		refusal := onlyTemplates
		if o.GetKind() == "ConfigMap" {
			refusal = ownNames
		}
		return patching(o, `{"metadata": {"annotations": {"`+tierObjectAnnotation+`": "{\"of\":\"`+
			o.GroupVersionKind().GroupKind().String()+"/"+stolenNamespace+"/"+o.GetName()+`\"}"},
			"labels": {"`+workspaceLabel+`": "`+stolenID+`", "`+managedByLabel+`": "`+fullName+`"}}, "data": {"a": "b"}}`, refusal)
	}
	return map[string]attempt{
		"make an object in the cluster":       creating(inCluster, inWorkspaces),
		"make an object in kube-system":       creating(ofTier("Widget", metav1.NamespaceSystem, "mine"), inWorkspaces),
		"make an object at home":              creating(ofTier("Widget", namespace, "mine"), inWorkspaces),
		"make a ConfigMap in kube-system":     creating(ofTier("ConfigMap", metav1.NamespaceSystem, "mine"), inWorkspaces),
		"make an object of no template":       creating(unmarked("Widget"), onlyTemplates),
		"make an object without labels":       creating(without(ofTier("Widget", stolenNamespace, "mine"), "metadata", "labels"), onlyTemplates),
		"make an object for another":          creating(elsewhere, onlyTemplates),
		"make a copy":                         creating(copied, onlyTemplates),
		"make an object with an owner":        creating(owner, "no ownerReferences"),
		"make an object that never ends":      creating(endless, "no finalizers"),
		"make a ConfigMap of no template":     creating(unmarked("ConfigMap"), ownNames),
		"make a ConfigMap of a reserved name": creating(ofTier("ConfigMap", stolenNamespace, "kube-mine"), ownNames),
		"make a copy of another kind":         creating(ofAnotherKind, onlyTemplates),
		"take somebody's object":              taking(theirs),
		"take somebody's ConfigMap":           taking(theirMap),
		"take the CA of the pods":             taking(ofTier("ConfigMap", stolenNamespace, "kube-root-ca.crt")),
		"change somebody's object":            patching(theirs, `{"spec": {"a": "b"}}`, onlyTemplates),
		"delete somebody's object":            deleting(theirs, onlyTemplates),
		"delete from the cluster":             deleting(ofTier("World", "", "theirs"), inWorkspaces),
		"change the status": {refusal: subresources, request: func(ctx context.Context, c client.Client) error {
			change := client.RawPatch(types.MergePatchType, []byte(`{"status": {"a": "b"}}`))
			return c.Status().Patch(ctx, ofTier("Widget", stolenNamespace, "ours"), change, client.DryRunAll)
		}},
	}
}

// With the rights of tierObjects, a stolen token makes and changes nothing but objects like those of templates, in workspaces.
func TestTierObjectPolicy_RefusesAThief(t *testing.T) {
	admin, unbounded, token := withTierObjects(t)
	theirs := func(kind, namespace string) client.Object {
		return without(without(ofTier(kind, namespace, "theirs"), "metadata", "annotations"), "metadata", "labels")
	}
	for _, o := range []client.Object{
		namespaceOf(stolenNamespace, map[string]string{workspaceLabel: stolenID, enforceLabel: "baseline"}),
		theirs("Widget", stolenNamespace), theirs("ConfigMap", stolenNamespace), theirs("World", ""),
	} {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	awaitTierObjectPolicy(t, unbounded)
	for name, err := range writeOfTier(t, token, "Widget", "ConfigMap") {
		t.Errorf("the service is refused to %s: %v", name, err)
	}
	for name, a := range tierObjectAttempts() {
		t.Run(name, func(t *testing.T) {
			if err := a.request(t.Context(), unbounded); !isDenied(err, a.refusal) {
				t.Errorf("where RBAC allows all, got %v, want the policy that says %q", err, a.refusal)
			}
			if err := a.request(t.Context(), token); !apierrors.IsForbidden(err) {
				t.Errorf("with the token, got %v", err)
			}
			if err := a.request(t.Context(), admin); isDenied(err, "") {
				t.Errorf("somebody else was refused it: %v", err)
			}
		})
	}
	all := rights(t, token, metav1.NamespaceSystem)
	got := map[string]string{}
	for _, resource := range []string{"widgets", "worlds", "*"} {
		got[resource] = all["test.company.com/"+resource]
	}
	if diff := cmp.Diff(map[string]string{"widgets": owned, "worlds": owned, "*": ""}, got); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
}

// writeOfTier creates, changes and deletes an object of each kind, and returns what was refused. One stays, named "ours".
func writeOfTier(t *testing.T, c client.Client, kinds ...string) map[string]error {
	t.Helper()
	refused := map[string]error{}
	change := client.RawPatch(types.MergePatchType, []byte(`{"data": {"a": "b"}}`))
	for _, kind := range kinds {
		for _, name := range []string{"ours", "short-lived"} {
			refused["create a "+kind] = c.Create(t.Context(), ofTier(kind, stolenNamespace, name))
		}
		refused["change a "+kind] = c.Patch(t.Context(), ofTier(kind, stolenNamespace, "ours"), change)
		refused["delete a "+kind] = c.Delete(t.Context(), ofTier(kind, stolenNamespace, "short-lived"))
	}
	maps.DeleteFunc(refused, func(_ string, err error) bool { return err == nil })
	return refused
}

func awaitTierObjectPolicy(t *testing.T, service client.Client) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		for _, namespace := range []string{metav1.NamespaceSystem, stolenNamespace} {
			for _, kind := range []string{"Widget", "ConfigMap"} {
				probe := without(ofTier(kind, namespace, "probe"), "metadata", "annotations")
				if err := service.Create(ctx, probe, client.DryRunAll); !isDenied(err, "") {
					return false, client.IgnoreNotFound(err)
				}
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatalf("waiting for the policies: %v", err)
	}
}
