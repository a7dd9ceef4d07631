package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// objectsAccount has the rights of the chart, and those to objects of tiers.
const objectsAccount = clustertest.Account + "-objects"

var (
	configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	widgets    = schema.GroupVersionKind{Group: "test.company.com", Version: "v1", Kind: "Widget"}
	gadgets    = schema.GroupVersionKind{Group: "test.company.com", Version: "v1", Kind: "Gadget"}
	// worlds are in no namespace.
	worlds = schema.GroupVersionKind{Group: "test.company.com", Version: "v1", Kind: "World"}
)

// objectRules are the rights to the kinds of the tests.
func objectRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{{
		APIGroups: []string{"test.company.com"}, Resources: []string{"widgets", "gadgets", "worlds"},
		Verbs: []string{"get", "list", "watch", "create", "patch", "delete"},
	}}
}

func (env *testEnv) addObjectKinds() *k8s.ObjectKinds {
	env.t.Helper()
	if len(env.objectKinds) == 0 {
		return nil
	}
	kinds, err := k8s.NewObjectKinds(env.mgr, env.objectKinds, env.relisted)
	must(env.t, err)
	kinds.DiscoveryInterval = 50 * time.Millisecond
	return kinds
}

// crd is a kind with defaults in its spec, as the kinds of operators have.
func crd(kind schema.GroupVersionKind, scope string) *unstructured.Unstructured {
	plural := strings.ToLower(kind.Kind) + "s"
	text := fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.%[2]s}
spec:
  group: %[2]s
  scope: %[3]s
  names: {kind: %[4]s, listKind: %[4]sList, plural: %[1]s, singular: %[5]s}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
            spec:
              type: object
              properties:
                owner: {type: string, maxLength: 40}
                size: {type: integer}
                color: {type: string, default: blue}
                nested: {type: object, properties: {a: {type: string}, b: {type: string}}}
                ports:
                  type: array
                  items:
                    type: object
                    properties: {port: {type: integer}, protocol: {type: string, default: TCP}}
`, plural, kind.Group, scope, kind.Kind, strings.ToLower(kind.Kind))
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		panic(err)
	}
	return o
}

// installCRD returns when the cluster serves the kind.
func installCRD(t testing.TB, admin client.Client, kind schema.GroupVersionKind, scope string) {
	t.Helper()
	must(t, client.IgnoreAlreadyExists(admin.Create(t.Context(), crd(kind, scope))))
	eventually(t, func(ctx context.Context) error {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		return admin.List(ctx, list)
	})
}

// templates are objects of a tier, as YAML.
func templates(texts ...string) (all []v1alpha1.TierObject) {
	for _, text := range texts {
		var template v1alpha1.TierObject
		asJSON, err := yaml.YAMLToJSON([]byte(text))
		if err == nil {
			err = json.Unmarshal(asJSON, &template)
		}
		if err != nil {
			panic(err)
		}
		all = append(all, template)
	}
	return all
}

// objectEnv is an environment with these kinds.
func objectEnv(t *testing.T, kinds ...schema.GroupVersionKind) *testEnv {
	t.Helper()
	return newTestEnv(t, envOptions{
		account: objectsAccount, objectKinds: workspace.ObjectKinds(kinds), tierStatusInterval: 10 * time.Millisecond,
	})
}

// awaitNoObject waits until an object is gone.
func (env *testEnv) awaitNoObject(namespace, name string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		_, err := env.object(namespace, name)
		if err == nil {
			return fmt.Errorf("%s is still there", name)
		}
		return client.IgnoreNotFound(err)
	})
}
