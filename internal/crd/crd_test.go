package crd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/crd"
)

const (
	workspaces = "workspaces.platform.company.com"
	tiers      = "workspacetiers.platform.company.com"
)

func TestMain(m *testing.M) { shared.Main(m) }

// shared is a cluster whose account has the rights of the chart's Job.
var shared = clustertest.Shared{Prepare: func(t testing.TB, admin client.Client, _ *rest.Config) {
	t.Helper()
	clustertest.AddAccount(t, admin, clustertest.Account, []rbacv1.PolicyRule{{
		APIGroups: []string{"apiextensions.k8s.io"}, Resources: []string{"customresourcedefinitions"},
		ResourceNames: []string{workspaces, tiers}, Verbs: []string{"get", "patch"},
	}})
}}

// The steps share the cluster's CRDs, so they are one test.
func TestUpgrade(t *testing.T) {
	t.Run("adds missing fields", addsMissingFields)
	t.Run("creates no CRD", createsNoCRD)
}

func addsMissingFields(t *testing.T) {
	admin := shared.Admin(t)
	c, served := job(t)
	await := func(want ...string) {
		t.Helper()
		clustertest.Eventually(t, func(ctx context.Context) error {
			missing, err := crd.MissingFields(ctx, served)
			if err != nil || slices.Equal(missing, want) {
				return err
			}
			return fmt.Errorf("the CRDs lack %q, want %q", missing, want)
		})
	}
	await()
	removeField(t, admin, workspaces, "status", "tier")
	removeField(t, admin, tiers, "spec", "workload", "imagePullSecrets")
	want := []string{workspaces + ": status.tier", tiers + ": spec.workload.imagePullSecrets"}
	await(want...)

	for range 2 {
		upgraded, err := crd.Upgrade(t.Context(), c, served)
		if err != nil || !slices.Equal(upgraded, []string{workspaces, tiers}) {
			t.Fatalf("upgraded %q: %v", upgraded, err)
		}
		if missing, err := crd.MissingFields(t.Context(), served); err != nil || len(missing) > 0 {
			t.Errorf("after the upgrade, the CRDs lack %q: %v", missing, err)
		}
	}
	if policy := get(t, admin, tiers).GetAnnotations()["helm.sh/resource-policy"]; policy != "keep" {
		t.Errorf("Helm's policy for the CRD is %q", policy)
	}
}

func createsNoCRD(t *testing.T) {
	admin := shared.Admin(t)
	for _, name := range []string{workspaces, tiers} {
		if err := admin.Delete(t.Context(), get(t, admin, name)); err != nil {
			t.Fatal(err)
		}
	}
	clustertest.Eventually(t, func(ctx context.Context) error {
		for _, name := range []string{workspaces, tiers} {
			if err := admin.Get(ctx, client.ObjectKey{Name: name}, newCRD()); !apierrors.IsNotFound(err) {
				return errors.Join(errors.New("the CRD still exists"), err)
			}
		}
		return nil
	})
	c, served := job(t)
	if upgraded, err := crd.Upgrade(t.Context(), c, served); err != nil || len(upgraded) > 0 {
		t.Errorf("upgraded %q: %v", upgraded, err)
	}
}

// job are the clients of the chart's Job.
func job(t *testing.T) (c client.Client, served crd.OpenAPI) {
	t.Helper()
	account := clustertest.As(t, shared.Cluster(t), clustertest.Account)
	c, err := client.New(account, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	api, err := discovery.NewDiscoveryClientForConfig(account)
	if err != nil {
		t.Fatal(err)
	}
	return c, api.OpenAPIV3WithContext(t.Context())
}

func newCRD() *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("apiextensions.k8s.io/v1")
	o.SetKind("CustomResourceDefinition")
	return o
}

func get(t *testing.T, c client.Client, name string) *unstructured.Unstructured {
	t.Helper()
	o := newCRD()
	if err := c.Get(t.Context(), client.ObjectKey{Name: name}, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// removeField removes a field of the CRD's schema, as an earlier version lacks it.
func removeField(t *testing.T, admin client.Client, name string, path ...string) {
	t.Helper()
	o := get(t, admin, name)
	versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
	schemaPath := "schema.openAPIV3Schema.properties." + strings.Join(path, ".properties.")
	unstructured.RemoveNestedField(versions[0].(map[string]any), strings.Split(schemaPath, ".")...)
	if err := unstructured.SetNestedSlice(o.Object, versions, "spec", "versions"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
