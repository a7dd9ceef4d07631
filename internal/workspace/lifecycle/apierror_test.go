package lifecycle

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

// statusError is an error of the applier with a status of the API server.
func statusError(code int32, message string) error {
	status := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Message: message}}
	return fmt.Errorf(`applying RoleBinding "a" in namespace "b": %w`, status)
}

func TestAPIError_Reasons(t *testing.T) {
	t.Parallel()
	const doing = `applying RoleBinding "a" in namespace "b": `
	for _, c := range []struct {
		name            string
		err             error
		reason, message string
	}{
		{
			"no answer", errors.New("dial tcp 10.0.0.1:6443: connect: connection refused"),
			v1alpha1.ReasonKubernetesUnavailable, "the API server did not answer; retried within 30 s",
		},
		{
			"a webhook that can't be called",
			statusError(http.StatusInternalServerError, `Internal error occurred: failed calling webhook "guard.company.com": `+
				`failed to call webhook: Post "https://10.0.0.1/?token=secret": dial tcp 10.0.0.1:443: connect: connection refused`),
			v1alpha1.ReasonKubernetesUnavailable, doing + `the admission webhook "guard.company.com" could not be called; retried within 30 s`,
		},
		{
			"a webhook that denies with a status of its own",
			statusError(http.StatusConflict, `admission webhook "guard.company.com" denied the request: no`),
			v1alpha1.ReasonRejected, doing + `admission webhook "guard.company.com" denied the request: no`,
		},
		{
			"a policy",
			statusError(http.StatusForbidden, `rolebindings "a" is forbidden: policy 'guard' with binding 'all' denied request: no`),
			v1alpha1.ReasonForbidden, doing + `rolebindings "a" is forbidden: policy 'guard' with binding 'all' denied request: no`,
		},
		{
			"an internal error", statusError(http.StatusInternalServerError, "Internal error occurred:\n\tetcd is\x1b full"),
			v1alpha1.ReasonKubernetesUnavailable, doing + "Internal error occurred:  etcd is\ufffd full; retried within 30 s",
		},
		{
			"too many requests", statusError(http.StatusTooManyRequests, "wait 7 s"),
			v1alpha1.ReasonKubernetesUnavailable, doing + "the API server answered Too Many Requests; retried within 30 s",
		},
		{
			"a Secret", fmt.Errorf(`applying Secret "workspace-pull-secret" in namespace "b": %w`,
				errors.Unwrap(statusError(http.StatusBadRequest, `admission webhook "g" denied the request: hunter2`))),
			v1alpha1.ReasonRejected, `applying Secret "workspace-pull-secret" in namespace "b": the API server refuses it`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := failed(v1alpha1.ConditionAccessGranted, c.err)
			if diff := cmp.Diff([]string{c.reason, c.message}, []string{o.reason, o.message}); diff != "" || o.err == nil || o.done {
				t.Errorf("the outcome is %+v (-want +got):\n%s", o, diff)
			}
		})
	}
}

func TestAPIError_FitsMessageLimit(t *testing.T) {
	t.Parallel()
	for _, code := range []int32{http.StatusForbidden, http.StatusInternalServerError} {
		o := failed(v1alpha1.ConditionAccessGranted, statusError(code, strings.Repeat("ä", 2*maxMessage)))
		if len(o.message) > maxMessage || !strings.HasSuffix(o.message, o.quoted) || !strings.HasPrefix(o.message, "applying RoleBinding") {
			t.Errorf("%d: %d bytes: %q", code, len(o.message), o.message)
		}
	}
}

func TestSteady_IgnoresVaryingWords(t *testing.T) {
	t.Parallel()
	have := func(err error) *metav1.Condition {
		o := failed(v1alpha1.ConditionAccessGranted, err)
		return &metav1.Condition{Type: o.condition, Reason: o.reason, Message: o.message}
	}
	denied := func(why string) error {
		return statusError(http.StatusForbidden, `admission webhook "guard" denied the request: `+why)
	}
	first := denied("request 4f2a-77 at 10:00:01 from 10.0.0.1:443")
	for name, c := range map[string]struct {
		err  error
		kept bool
	}{
		"the same":         {first, true},
		"another time":     {denied("request 99-ab1 at 10:00:31 from 10.0.0.2:8443"), true},
		"another reason":   {denied("it is Sunday"), false},
		"another object":   {fmt.Errorf("applying another: %w", errors.Unwrap(first)), false},
		"no answer at all": {errors.New("connection refused"), false},
	} {
		o := failed(v1alpha1.ConditionAccessGranted, c.err)
		if kept := o.steady(have(first)).message == have(first).Message; kept != c.kept {
			t.Errorf("%s: the message is kept: %t", name, kept)
		}
	}
	o := failed(v1alpha1.ConditionAccessGranted, first)
	if o.steady(nil) != o {
		t.Error("without a condition, the outcome has changed")
	}
}

func TestController_ReportsForbidden(t *testing.T) {
	t.Parallel()
	const account = "account-without-bind"
	binds := func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Verbs, "bind") }
	without := slices.DeleteFunc(clustertest.ChartRules(t, "role.yaml"), binds)
	clustertest.AddAccount(t, shared.Admin(t), account, without)
	env := newTestEnv(t, envOptions{account: account})
	create(t, env.admin, env.workspace("powerless"))
	w := env.await("powerless", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonForbidden)
	message := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionAccessGranted).Message
	const want = `applying RoleBinding "workspace-admin" in namespace "flyte-powerless": `
	if !strings.HasPrefix(message, want) || strings.ContainsAny(message, "\n\t") || len(message) > maxMessage {
		t.Errorf("the message is %q", message)
	}
	for _, condition := range []string{
		v1alpha1.ConditionNamespaceReady, v1alpha1.ConditionQuotaApplied, v1alpha1.ConditionNetworkIsolated,
		v1alpha1.ConditionFlyteProjectRegistered,
	} {
		env.await("powerless", condition, v1alpha1.ReasonApplied)
	}
	var role rbacv1.ClusterRole
	must(t, env.admin.Get(t.Context(), client.ObjectKey{Name: account}, &role))
	role.Rules = clustertest.ChartRules(t, "role.yaml")
	must(t, env.admin.Update(t.Context(), &role))
	env.await("powerless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}
