package deploy_test

import (
	"context"
	"errors"
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
			Name: "by-name", Expression: "object.metadata.?name.orValue('').startsWith('" + prefix + "')",
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
	const prefix = "flyte-labelled-"
	awaitPolicies(t, asUnboundedService(t))
	admin, service := clientFor(t, installed(t)), asService(t)
	for _, o := range addToNamespaces(prefix) {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { remove(t, o) })
	}
	awaitAddition(t, admin, prefix)

	created := namespaceOf(prefix+"new", map[string]string{workspaceLabel: "labelled-new", enforceLabel: "baseline"})
	if err := service.Create(t.Context(), created); err != nil {
		t.Fatalf("creating a namespace that admission labels: %v", err)
	}
	if created.Labels[addedKey] != "42" || created.Annotations[addedKey] != "42" {
		t.Errorf("the namespace has labels %v, annotations %v", created.Labels, created.Annotations)
	}
	update := mergePatch(`{"metadata":{"labels":{"pod-security.kubernetes.io/audit":"restricted"}}}`)
	if err := service.Patch(t.Context(), created, update); err != nil {
		t.Errorf("updating it: %v", err)
	}
	team := mergePatch(`{"metadata":{"labels":{"x":"y"}}}`)
	if err := admin.Patch(t.Context(), created, team); err != nil {
		t.Fatal(err)
	}
	refusesLabelsOf(t, service, created)
}

// refusesLabelsOf sends what a stolen token would to label a namespace in spite of the policy.
func refusesLabelsOf(t *testing.T, service client.Client, created *corev1.Namespace) {
	t.Helper()
	const refusal = "may only change its own labels and annotations"
	unmanaged := namespaceOf("flyte-labelled-reset", map[string]string{workspaceLabel: "labelled-reset", enforceLabel: "baseline", "a": "b"})
	managed := unmanaged.DeepCopy()
	unmanaged.ManagedFields = []metav1.ManagedFieldsEntry{{}}
	attempts := map[string]attempt{
		"label a new one":         creating(managed, refusal),
		"label one, unmanaged":    creating(unmanaged, refusal),
		"remove labels of others": patching(created, `{"metadata":{"labels":{"kubernetes.io/metadata.name":null,"x":null}}}`, refusal),
		"add a label":             patching(created, `{"metadata":{"labels":{"team.company.com/pool":"gpu"}}}`, refusal),
		"add a label with field managers of others": patching(created, `{"metadata":{"labels":{"a":"b"},"managedFields":[{"manager":"kubectl",`+
			`"operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:x":{}}}}}]}}`, refusal),
		"add a label and reset the field managers": patching(created, `{"metadata":{"managedFields":[{}],"labels":{"a":"b"}}}`, refusal),
	}
	for name, a := range attempts {
		if err := a.request(t.Context(), service); !isDenied(err, refusal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Once the field managers are reset, the API server records none for later updates.
	if err := service.Patch(t.Context(), created, mergePatch(`{"metadata":{"managedFields":[{}]}}`)); err != nil {
		t.Fatal(err)
	}
	if err := service.Patch(t.Context(), created, mergePatch(`{"metadata":{"labels":{"a":"b"}}}`)); !isDenied(err, refusal) {
		t.Errorf("adding a label after that: %v", err)
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
