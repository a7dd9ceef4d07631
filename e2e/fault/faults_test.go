package fault

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// mixedFaults injects one fault after the other into every third write, cuts every watch, and counts the faulty requests. Each of the
// faults alone is in package lifecycle.
func mixedFaults(faulty *atomic.Int64) faultproxy.Rule {
	faults := []faultproxy.Fault{
		{Status: http.StatusTooManyRequests, RetryAfter: 1},
		{LoseAnswer: true},
		{Status: http.StatusInternalServerError},
		{Reset: true},
		{Status: http.StatusServiceUnavailable},
	}
	var writes atomic.Int64
	return func(r *http.Request) faultproxy.Fault {
		switch {
		case harness.IsWatch(r):
			faulty.Add(1)
			return faultproxy.Fault{CutAfter: time.Second}
		case !harness.IsWrite(r):
			return faultproxy.Fault{}
		}
		n := int(writes.Add(1))
		if n%3 != 0 {
			return faultproxy.Fault{}
		}
		faulty.Add(1)
		return faults[n/3%len(faults)]
	}
}

// TestFaultsOfTheAPIServer lets a workspace live while the API server fails again and again: it ends as an undisturbed one.
func TestFaultsOfTheAPIServer(t *testing.T) {
	env := shared.Env()
	svc, proxy := env.ThroughProxy(t)
	env.Apply(t, svc, "faults-none", harness.Life()...)
	want := env.Snapshot(t, "faults-none")
	var faulty atomic.Int64
	proxy.Set(mixedFaults(&faulty))
	proxy.Break()
	env.Apply(t, svc, "faults-mixed", harness.Life()...)
	endsAs(t, want, "faults-mixed")
	harness.Alive(t, svc)
	if faulty.Load() < 10 {
		t.Errorf("only %d requests were faulty", faulty.Load())
	}
}

// endsAs waits until the workspace is like an undisturbed one: after a watch was cut, some of it follows later.
func endsAs(t *testing.T, want map[string]string, id string) {
	t.Helper()
	env := shared.Env()
	var diff string
	defer func() {
		if diff != "" {
			t.Logf("the end differs (-undisturbed +disturbed):\n%s", diff)
		}
	}()
	harness.Eventually(t, id+" to end as an undisturbed one", func(context.Context) bool {
		diff = cmp.Diff(want, env.Snapshot(t, id))
		return diff == ""
	})
}

// always injects a fault into all requests that match.
func always(match func(*http.Request) bool, fault faultproxy.Fault) faultproxy.Rule {
	return func(r *http.Request) faultproxy.Fault {
		if match(r) {
			return fault
		}
		return faultproxy.Fault{}
	}
}

// TestForbiddenOnOneKind takes away the right to one kind: the workspace says so and why, everything else is done, and
// when the right is back, so is Ready.
func TestForbiddenOnOneKind(t *testing.T) {
	env := shared.Env()
	svc, proxy := env.ThroughProxy(t)
	proxy.Set(always(func(r *http.Request) bool {
		return harness.IsWrite(r) && strings.Contains(r.URL.Path, "/networkpolicies")
	}, faultproxy.Fault{Status: http.StatusForbidden}))
	harness.DeliverTo(t, svc, harness.NewMessage(t, workspace.EventCreated, harness.Data("forbidden", 1)))
	harness.Eventually(t, "the isolation to be refused", func(ctx context.Context) bool {
		var w v1alpha1.Workspace
		if env.Admin.Get(ctx, harness.Key("forbidden"), &w) != nil {
			return false
		}
		for _, c := range w.Status.Conditions {
			if c.Type == v1alpha1.ConditionNetworkIsolated {
				return c.Status == "False" && strings.Contains(c.Message, "refused by the fault proxy")
			}
		}
		return false
	})
	harness.Alive(t, svc)
	proxy.Set(nil)
	env.AwaitReason(t, "forbidden", v1alpha1.ReasonReady)
}

// TestUndoneUnseen removes the label from an object that the service has created while its watch was down: at once, or after the workspace
// has changed. The watch begins again and shows no event of this.
func TestUndoneUnseen(t *testing.T) {
	env := shared.Env()
	svc, proxy := env.ThroughProxy(t)
	for _, c := range []struct {
		id        string
		meanwhile func(*testing.T)
	}{
		{"undone-at-once", func(*testing.T) {}},
		{"undone-changed", func(t *testing.T) {
			t.Helper()
			env.Apply(t, svc, "undone-changed", harness.Life()[1])
		}},
	} {
		t.Run(c.id, func(t *testing.T) {
			proxy.Set(always(ofConfig, faultproxy.Fault{Status: http.StatusServiceUnavailable}))
			proxy.Break()
			env.Apply(t, svc, c.id, harness.Life()[0])
			c.meanwhile(t)
			undone, config := time.Now(), unlabelled(t, "flyte-"+c.id)
			proxy.Set(goneOnce())
			harness.Eventually(t, "the label", func(ctx context.Context) bool {
				err := env.Admin.Get(ctx, client.ObjectKeyFromObject(config), config)
				return err == nil && config.Labels[v1alpha1.LabelWorkspace] == c.id
			})
			if took := time.Since(undone); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestNamespacesUnseen creates, suspends and deletes a workspace while the watch of Namespaces is down: its members have read-only access
// all the same.
func TestNamespacesUnseen(t *testing.T) {
	env := shared.Env()
	svc, proxy := env.ThroughProxy(t)
	ofNamespaces := func(r *http.Request) bool { return harness.IsWatch(r) && r.URL.Path == "/api/v1/namespaces" }
	proxy.Set(always(ofNamespaces, faultproxy.Fault{Status: http.StatusServiceUnavailable}))
	proxy.Break()
	for _, transition := range harness.Life() {
		env.Apply(t, svc, "unseen", transition)
		var bindings rbacv1.RoleBindingList
		if err := env.Admin.List(t.Context(), &bindings, client.InNamespace("flyte-unseen")); err != nil {
			t.Fatal(err)
		}
		for i := range bindings.Items {
			role := bindings.Items[i].Name
			if mayWrite, active := role != "workspace-viewer", transition.Reason == v1alpha1.ReasonReady; mayWrite && !active {
				t.Errorf("after %s there is %s", transition.Name, role)
			}
		}
		if len(bindings.Items) == 0 {
			t.Errorf("after %s no member may even read", transition.Name)
		}
	}
}

func ofConfig(r *http.Request) bool {
	return harness.IsWatch(r) && strings.Contains(r.URL.Path, "/configmaps")
}

// goneOnce lets the watch of ConfigMaps list again.
func goneOnce() faultproxy.Rule {
	var gone atomic.Bool
	return func(r *http.Request) faultproxy.Fault {
		if ofConfig(r) && gone.CompareAndSwap(false, true) {
			return faultproxy.Fault{Status: http.StatusGone}
		}
		return faultproxy.Fault{}
	}
}

// unlabelled takes the labels off the ConfigMap.
func unlabelled(t *testing.T, namespace string) *corev1.ConfigMap {
	t.Helper()
	env := shared.Env()
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-config"}}
	none := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": null}}`))
	if err := env.Admin.Patch(t.Context(), config, none); err != nil {
		t.Fatal(err)
	}
	return config
}
