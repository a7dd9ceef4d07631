package lifecycle

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func shareOf(weight int32) v1alpha1.TierDomain { return v1alpha1.TierDomain{Share: &weight} }

// sharedCPU returns the cores of a workspace's namespaces, in the order of the domains.
func (env *testEnv) sharedCPU(id string) string {
	env.t.Helper()
	text := ""
	for _, domain := range []string{"development", "staging", "production"} {
		var quota corev1.ResourceQuota
		key := client.ObjectKey{Namespace: "flyte-" + id + "-" + domain, Name: "workspace-quota"}
		if err := env.admin.Get(env.t.Context(), key, &quota); err != nil {
			return err.Error()
		}
		amount := quota.Spec.Hard[corev1.ResourceRequestsCPU]
		text += amount.String() + " "
	}
	return text
}

// The namespaces of a workspace share its quota. Whatever changes, the sum never exceeds the larger of the quotas before and after.
func TestController_SharesAQuotaAmongDomains(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{template: "{prefix}{project}-{domain}"})
	env.provisionedOnTier("pooled", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.QuotaScope = v1alpha1.QuotaScopeWorkspace
		spec.Domains = map[string]v1alpha1.TierDomain{"production": shareOf(2)}
	})
	if got := env.sharedCPU("pooled"); got != "10 10 20 " {
		t.Errorf("the namespaces have %s", got)
	}
	writes := env.requests.writes()
	if n := writes["POST resourcequotas"] + writes["PATCH resourcequotas"]; n != 3 {
		t.Errorf("a new workspace took %d writes of quotas: %v", n, writes)
	}
	sums := env.watchSums("pooled")
	largest := 40
	for _, step := range []struct {
		change func()
		want   string
		quota  int
	}{
		{func() { env.setShares(5, 2, 1) }, "25 10 5 ", 40},
		{func() { env.setShares(0, 1, 1) }, "0 20 20 ", 40},
		{func() { env.setShares(6, 1, 1); env.setCPU("80") }, "60 10 10 ", 80},
		{func() { env.setCPU("8") }, "6 1 1 ", 8},
		{func() { env.setShares(1, 1, 6) }, "1 1 6 ", 8},
	} {
		step.change()
		eventually(t, func(context.Context) error {
			if got := env.sharedCPU("pooled"); got != step.want {
				return fmt.Errorf("the namespaces have %s, want %s", got, step.want)
			}
			return nil
		})
		env.awaitIdle()
		if most := sums.most(t, step.want); most > max(largest, step.quota) {
			t.Errorf("on the way to %s the namespaces had %d cores together, and the quota was %d and became %d",
				step.want, most, largest, step.quota)
		}
		largest = step.quota
	}
	total := env.requests.total()
	env.reconcile("pooled")
	if n := env.requests.total() - total; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}
}

func (env *testEnv) setCPU(cpu string) {
	env.t.Helper()
	env.update("pooled", func(w *v1alpha1.Workspace) { w.Spec.Quota.CPU = v1alpha1.Quantity(cpu) })
}

func (env *testEnv) setShares(development, staging, production int32) {
	env.t.Helper()
	env.changeTier("pooled-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Domains = map[string]v1alpha1.TierDomain{
			"development": shareOf(development), "staging": shareOf(staging), "production": shareOf(production),
		}
	})
}

// quotaSums follows the cores of a workspace's namespaces, write by write.
type quotaSums struct {
	events watch.Interface
	cores  map[string]resource.Quantity
}

func (env *testEnv) watchSums(id string) *quotaSums {
	env.t.Helper()
	kube, err := kubernetes.NewForConfig(shared.Cluster(env.t).Config())
	must(env.t, err)
	selector := metav1.ListOptions{LabelSelector: v1alpha1.LabelWorkspace + "=" + id}
	all, err := kube.CoreV1().ResourceQuotas("").List(env.t.Context(), selector)
	must(env.t, err)
	s := &quotaSums{cores: map[string]resource.Quantity{}}
	for i := range all.Items {
		s.cores[all.Items[i].Namespace] = all.Items[i].Spec.Hard[corev1.ResourceRequestsCPU]
	}
	selector.ResourceVersion = all.ResourceVersion
	s.events, err = kube.CoreV1().ResourceQuotas("").Watch(env.t.Context(), selector)
	must(env.t, err)
	env.t.Cleanup(s.events.Stop)
	return s
}

// most reads writes until the namespaces have the wanted cores, and returns the most cores that they had together.
func (s *quotaSums) most(t *testing.T, want string) (most int) {
	t.Helper()
	for {
		text, sum := "", resource.Quantity{}
		for _, domain := range []string{"development", "staging", "production"} {
			amount := s.cores["flyte-pooled-"+domain]
			text += amount.String() + " "
			sum.Add(amount)
		}
		most = max(most, int(sum.Value()))
		if text == want {
			return most
		}
		select {
		case event, open := <-s.events.ResultChan():
			quota, ok := event.Object.(*corev1.ResourceQuota)
			if !open || !ok {
				t.Fatalf("the watch ended: %v", event)
			}
			s.cores[quota.Namespace] = quota.Spec.Hard[corev1.ResourceRequestsCPU]
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
