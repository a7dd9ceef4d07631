package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const addedKey = "cost.company.com/center"

// addToNamespaces is a policy of the cluster that labels and annotates each namespace with this prefix.
func addToNamespaces(prefix string) []client.Object {
	fail := admissionregistrationv1.Fail
	name := metav1.ObjectMeta{Name: "adds-metadata"}
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{ObjectMeta: name, Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
		FailurePolicy: &fail, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
		MatchConstraints: &admissionregistrationv1.MatchResources{
			ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"namespaces"}},
			}}},
		},
		MatchConditions: []admissionregistrationv1.MatchCondition{{
			Name: "by-name", Expression: "object.metadata.name.startsWith('" + prefix + "')",
		}},
		Mutations: []admissionregistrationv1.Mutation{{
			PatchType: admissionregistrationv1.PatchTypeApplyConfiguration,
			ApplyConfiguration: &admissionregistrationv1.ApplyConfiguration{
				Expression: `Object{metadata: Object.metadata{labels: {"` + addedKey + `": "42"}, annotations: {"` + addedKey + `": "42"}}}`,
			},
		}},
	}}
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: name, Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: name.Name},
	}
	return []client.Object{policy, binding}
}

// The service may not label namespaces, since labels steer other programs. It is not the service that asks for what the cluster's own
// admission adds to its requests.
func TestServicePolicy_AllowsWhatAdmissionAdds(t *testing.T) {
	const prefix, refusal = "flyte-labelled-", "may only change its own labels and annotations"
	awaitPolicies(t, asUnboundedService(t))
	admin, service := clientFor(t, installed(t)), asService(t)
	for _, o := range addToNamespaces(prefix) {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := admin.Delete(context.WithoutCancel(t.Context()), o); err != nil {
				t.Error(err)
			}
		})
	}
	create := func(id string, more map[string]string) (*corev1.Namespace, error) {
		labels := map[string]string{workspaceLabel: id, enforceLabel: "baseline"}
		for key, value := range more {
			labels[key] = value
		}
		created := namespaceOf("flyte-"+id, labels)
		return created, service.Create(t.Context(), created)
	}
	awaitAddition(t, admin, prefix)

	created, err := create("labelled-new", nil)
	if err != nil {
		t.Fatalf("a namespace that admission labels: %v", err)
	}
	if created.Labels[addedKey] != "42" || created.Annotations[addedKey] != "42" {
		t.Errorf("the namespace has labels %v, annotations %v", created.Labels, created.Annotations)
	}
	if err := service.Patch(t.Context(), created, mergePatch(`{"metadata":{"labels":{"pod-security.kubernetes.io/audit":"restricted"}}}`)); err != nil {
		t.Errorf("an update of it: %v", err)
	}
	if _, err := create("labelled-by-us", map[string]string{"team.company.com/pool": "gpu"}); err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("a namespace with another label by the service: %v", err)
	}
	refused := namespaceOf("flyte-labelled-reset", map[string]string{workspaceLabel: "labelled-reset", enforceLabel: "baseline", "a": "b"})
	refused.ManagedFields = []metav1.ManagedFieldsEntry{{}}
	if err := service.Create(t.Context(), refused); err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("a namespace with a label and without field managers: %v", err)
	}
	for name, patch := range map[string]string{
		"removes": `{"metadata":{"labels":{"kubernetes.io/metadata.name":null,"team.company.com/pool":null,"x":null}}}`,
		"adds":    `{"metadata":{"labels":{"team.company.com/pool":"gpu"}}}`,
		"adds, with field managers of its own": `{"metadata":{"labels":{"team.company.com/pool":"gpu"},"managedFields":[{"manager":"kubectl",` +
			`"operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:x":{}}}}}]}}`,
		"adds, without field manager": `{"metadata":{"managedFields":[{}],"labels":{"team.company.com/pool":"gpu"}}}`,
	} {
		owned := namespaceOf(created.Name, nil)
		if err := admin.Patch(t.Context(), owned, mergePatch(`{"metadata":{"labels":{"x":"y"}}}`)); err != nil {
			t.Fatal(err)
		}
		err := service.Patch(t.Context(), owned, mergePatch(patch), client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("a request that %s a label of others: %v", name, err)
		}
	}
	// Once the field managers are reset, the API server records none for later updates.
	if err := service.Patch(t.Context(), created, mergePatch(`{"metadata":{"managedFields":[{}]}}`)); err != nil {
		t.Fatal(err)
	}
	if err := service.Patch(t.Context(), created, mergePatch(`{"metadata":{"labels":{"a":"b"}}}`)); err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("a label of others in a later request: %v", err)
	}
}

func mergePatch(text string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(text)) }

// awaitAddition waits until the API server applies the policy.
func awaitAddition(t *testing.T, admin client.Client, prefix string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		probe := namespaceOf(prefix+"probe", nil)
		err := admin.Create(ctx, probe, client.DryRunAll)
		if err == nil && probe.Labels[addedKey] == "" {
			err = errors.New("not yet")
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
