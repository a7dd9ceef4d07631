package node

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// tokenOfWorkloads proves what the account of pipelines can do, with the token that the kubelet gave to a pod: nothing by default, and
// with a framework exactly its role.
func tokenOfWorkloads(t *testing.T) {
	t.Parallel()
	t.Run("default", func(t *testing.T) {
		workload := workloadOf(t, "token", "standard")
		if rights := rightsOf(t, workload, "flyte-token"); len(rights) > 0 {
			t.Errorf("it has the rights %v", slices.Sorted(maps.Keys(rights)))
		}
		err := workload.List(t.Context(), &corev1.PodList{}, client.InNamespace("flyte-token"))
		if err == nil || !strings.Contains(err.Error(), `User "system:serviceaccount:flyte-token:flyte-workload" cannot list resource "pods"`) {
			t.Errorf("listing pods: %v, want it forbidden", err)
		}
	})
	t.Run("spark", func(t *testing.T) {
		frameworkTier(t, "spark")
		workload := workloadOf(t, "spark", "spark")
		var role rbacv1.ClusterRole
		harness.Must(t, env.admin.Get(t.Context(), harness.Key(release+"-workload-spark"), &role))
		want := map[string]bool{}
		for _, rule := range role.Rules {
			add(want, rule.Verbs, rule.APIGroups, rule.Resources)
		}
		if got := rightsOf(t, workload, "flyte-spark"); !maps.Equal(got, want) {
			t.Errorf("it has the rights\n%v\nwant\n%v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		if rights := rightsOf(t, workload, "flyte-token"); len(rights) > 0 {
			t.Errorf("in another workspace it has the rights %v", slices.Sorted(maps.Keys(rights)))
		}
		executor := taskPod("spark", "executor", corev1.ResourceRequirements{})
		harness.Must(t, workload.Create(t.Context(), executor))
		running(t, executor.Namespace, executor.Name)
		harness.Must(t, workload.Delete(t.Context(), executor))
	})
}

// frameworkTier is the default tier with the role of a framework.
func frameworkTier(t *testing.T, role v1alpha1.WorkloadRole) {
	t.Helper()
	var standard v1alpha1.WorkspaceTier
	harness.Must(t, env.admin.Get(t.Context(), harness.Key(v1alpha1.DefaultTier), &standard))
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: string(role)}, Spec: standard.Spec}
	tier.Spec.Workload.Role = role
	create(t, tier)
}

// workloadOf creates a workspace and a pod in it, and acts with that pod's token.
func workloadOf(t *testing.T, id, tier string) client.Client {
	t.Helper()
	createWorkspace(t, id, tier)
	pod := agentPod("flyte-"+id, "task")
	pod.Spec.ServiceAccountName = "flyte-workload"
	create(t, pod)
	token, err := ask(t.Context(), running(t, pod.Namespace, pod.Name), "/file",
		url.Values{"path": {"/var/run/secrets/kubernetes.io/serviceaccount/token"}})
	harness.Must(t, err)
	cfg := env.cluster.Config()
	cfg.BearerToken = token
	workload, err := client.New(cfg, client.Options{Scheme: env.admin.Scheme()})
	harness.Must(t, err)
	return workload
}

// rightsOf are the rights of an account in a namespace, beside those that every account has: to ask who it is and what it may do.
func rightsOf(t *testing.T, account client.Client, namespace string) map[string]bool {
	t.Helper()
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	harness.Must(t, account.Create(t.Context(), review))
	rights := map[string]bool{}
	for _, rule := range review.Status.ResourceRules {
		if !slices.Contains(rule.APIGroups, "authorization.k8s.io") && !slices.Contains(rule.APIGroups, "authentication.k8s.io") {
			add(rights, rule.Verbs, rule.APIGroups, rule.Resources)
		}
	}
	return rights
}

func add(rights map[string]bool, verbs, groups, resources []string) {
	for _, verb := range verbs {
		for _, group := range groups {
			for _, resource := range resources {
				rights[verb+" "+group+"/"+resource] = true
			}
		}
	}
}
