package lifecycle

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// createWebhook creates an admission webhook for the RoleBindings of one workspace.
func (env *testEnv) createWebhook(id string, reach admissionregistrationv1.WebhookClientConfig) client.Object {
	env.t.Helper()
	all, none := admissionregistrationv1.OperationAll, admissionregistrationv1.SideEffectClassNone
	webhook := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: id},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "guard.company.com", ClientConfig: reach, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelWorkspace: id}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{all},
				Rule: admissionregistrationv1.Rule{
					APIGroups: []string{"rbac.authorization.k8s.io"}, APIVersions: []string{"*"}, Resources: []string{"rolebindings"},
				},
			}},
		}},
	}
	create(env.t, env.admin, webhook)
	return webhook
}

// denyingWebhook denies each request with another message, and with a status code that is not specific to admission.
func denyingWebhook(t *testing.T) admissionregistrationv1.WebhookClientConfig {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Result: &metav1.Status{
			Code: http.StatusInternalServerError, Message: fmt.Sprintf("request %d\nis denied", requests.Add(1)),
		}}
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return admissionregistrationv1.WebhookClientConfig{URL: &server.URL, CABundle: certificate}
}

// The message does not change with each retry.
func TestController_ReportsAdmissionWebhookFailure(t *testing.T) {
	t.Parallel()
	unreachable := "https://127.0.0.1:1/hunter2"
	for id, c := range map[string]struct {
		reach           admissionregistrationv1.WebhookClientConfig
		reason, message string
	}{
		"webhook-away": {
			admissionregistrationv1.WebhookClientConfig{URL: &unreachable},
			v1alpha1.ReasonKubernetesUnavailable,
			`applying RoleBinding "workspace-viewer" in namespace "flyte-webhook-away": ` +
				`the admission webhook "guard.company.com" could not be called; retried within 30 s`,
		},
		"webhook-denies": {
			denyingWebhook(t), v1alpha1.ReasonRejected,
			`applying RoleBinding "workspace-viewer" in namespace "flyte-webhook-denies": ` +
				`admission webhook "guard.company.com" denied the request: request `,
		},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{})
			env.provisioned(id)
			webhook := env.createWebhook(id, c.reach)
			eve := &v1alpha1.Member{Kind: v1alpha1.MemberUser, Name: "eve@company.com", Role: v1alpha1.RoleViewer}
			env.awaitWebhook(id)
			env.update(id, func(w *v1alpha1.Workspace) { w.Spec.Members = append(w.Spec.Members, *eve) })
			w := env.await(id, v1alpha1.ConditionAccessGranted, c.reason)
			ready := env.await(id, v1alpha1.ConditionReady, c.reason).ReadyCondition()
			if want := "AccessGranted: " + c.message; !strings.HasPrefix(ready.Message, want) || strings.ContainsAny(ready.Message, "\n\x1b") {
				t.Errorf("Ready says %q, want %q", ready.Message, want)
			}
			for range 3 {
				if err := env.tryReconcile(id); err == nil {
					t.Error("Reconcile returned no error")
				}
			}
			if again := env.get(id); again.ReadyCondition().Message != ready.Message || again.ResourceVersion != w.ResourceVersion {
				t.Errorf("the status has changed: %q", again.ReadyCondition().Message)
			}
			must(t, env.admin.Delete(t.Context(), webhook))
			env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		})
	}
}

// awaitWebhook waits until the API server calls the webhook.
func (env *testEnv) awaitWebhook(id string) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "workspace-admin", Namespace: "flyte-" + id}}
		label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`))
		err := env.admin.Patch(ctx, binding, label, client.DryRunAll)
		if err == nil {
			return errors.New("the API server does not call the webhook yet")
		}
		return nil
	})
}

// mutationPolicy removes ingress isolation from each NetworkPolicy of a workspace when it is written.
func mutationPolicy(id string) (*admissionregistrationv1.MutatingAdmissionPolicy, *admissionregistrationv1.MutatingAdmissionPolicyBinding) {
	fail := admissionregistrationv1.Fail
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "opens-networks"},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			FailurePolicy: &fail, ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
			MatchConstraints: &admissionregistrationv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelWorkspace: id}},
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
					Rule: admissionregistrationv1.Rule{
						APIGroups: []string{"networking.k8s.io"}, APIVersions: []string{"v1"}, Resources: []string{"networkpolicies"},
					},
				}}},
			},
			Mutations: []admissionregistrationv1.Mutation{{
				PatchType: admissionregistrationv1.PatchTypeJSONPatch,
				JSONPatch: &admissionregistrationv1.JSONPatch{
					Expression: `[JSONPatch{op: "replace", path: "/spec/policyTypes", value: ["Egress"]}]`,
				},
			}},
		},
	}
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "opens-networks"},
		Spec:       admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: policy.Name},
	}
	return policy, binding
}

// A MutatingAdmissionPolicy changes a NetworkPolicy that the controller writes.
func TestController_ReportsMutatedObject(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("mutated")
	policy, binding := mutationPolicy("mutated")
	create(t, env.admin, policy)
	create(t, env.admin, binding)
	policies := env.networkPolicies("flyte-mutated")
	name := policies[len(policies)-1]           // of both directions
	eventually(t, func(context.Context) error { // the API server applies the policy with a delay
		o, err := env.object("flyte-mutated", name)
		if err == nil {
			err = env.admin.Delete(t.Context(), o)
		}
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		condition := meta.FindStatusCondition(env.get("mutated").Status.Conditions, v1alpha1.ConditionNetworkIsolated)
		if condition.Reason != v1alpha1.ReasonContested || !strings.Contains(condition.Message, "mutating admission webhook or policy") {
			return fmt.Errorf("NetworkIsolated is %+v", condition)
		}
		return nil
	})
	env.reconcile("mutated") // without a new write, the condition stays
	env.await("mutated", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonContested)
	must(t, env.admin.Delete(t.Context(), binding))
	env.await("mutated", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}
