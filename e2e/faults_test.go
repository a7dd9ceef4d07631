package e2e

import (
	"context"
	"flag"
	"fmt"
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
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

var stale = flag.Duration("stale", time.Second, "how late watches tell of changes in TestFaultsOfTheAPIServer")

// spoiling is a rule that spoils each n-th of the requests that are meant, and counts them.
type spoiling struct {
	nth   int64
	meant func(*http.Request) bool
	fault faultproxy.Fault

	seen, spoilt atomic.Int64
}

func every(nth int64, meant func(*http.Request) bool, f faultproxy.Fault) *spoiling {
	return &spoiling{nth: nth, meant: meant, fault: f}
}

func (s *spoiling) rule(r *http.Request) faultproxy.Fault {
	if !s.meant(r) || s.seen.Add(1)%s.nth != 0 {
		return faultproxy.Fault{}
	}
	s.spoilt.Add(1)
	return s.fault
}

func anything(*http.Request) bool { return true }

func updates(r *http.Request) bool {
	return changes(r) && r.Method != http.MethodPost && r.Method != http.MethodDelete
}

func watches(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// apiFault lasts for a whole life of a workspace, which gets through it.
type apiFault struct {
	name string
	*spoiling
}

func apiFaults() []apiFault {
	return []apiFault{
		{"429 with Retry-After", every(4, changes, faultproxy.Fault{Status: http.StatusTooManyRequests, RetryAfter: 1})},
		{"429 without Retry-After", every(4, changes, faultproxy.Fault{Status: http.StatusTooManyRequests})},
		{"500", every(4, changes, faultproxy.Fault{Status: http.StatusInternalServerError})},
		{"503", every(4, changes, faultproxy.Fault{Status: http.StatusServiceUnavailable})},
		{"answer lost after the write", every(3, changes, faultproxy.Fault{LoseAnswer: true})},
		{"connection reset before the write", every(4, changes, faultproxy.Fault{Reset: true})},
		{"conflict on every third update", every(3, updates, faultproxy.Fault{Status: http.StatusConflict})},
		{"500 ms of latency", every(1, anything, faultproxy.Fault{Delay: 500 * time.Millisecond})},
		{"watches cut again and again", every(1, watches, faultproxy.Fault{CutAfter: 300 * time.Millisecond})},
		{"watches stale", every(1, watches, faultproxy.Fault{Lag: *stale})},
		{"watches answered 410 Gone", every(3, watches, faultproxy.Fault{Status: http.StatusGone})},
	}
}

// TestFaultsOfTheAPIServer lets a workspace live through each fault: it ends as one that was not disturbed.
func TestFaultsOfTheAPIServer(t *testing.T) {
	svc, proxy := proxied(t)
	liveOn := func(t *testing.T, id string) {
		t.Helper()
		for _, e := range life {
			e.deliver(t, svc, id)
			settled(t, id, e.reason)
		}
	}
	liveOn(t, "faults-none")
	want := snapshot(t, "faults-none")
	for i, fault := range apiFaults() {
		t.Run(fault.name, func(t *testing.T) {
			id := fmt.Sprintf("faults-%d", i)
			proxy.Set(fault.rule)
			proxy.Break()
			defer proxy.Set(nil)
			liveOn(t, id)
			endsAs(t, want, id)
			mustLive(t, svc)
			if fault.spoilt.Load() == 0 {
				t.Error("nothing was spoilt")
			}
		})
	}
}

// endsAs waits until the workspace is like one that was not disturbed: what a watch that was cut tells later is done later.
func endsAs(t *testing.T, want map[string]string, id string) {
	t.Helper()
	var diff string
	defer func() {
		if diff != "" {
			t.Logf("the end differs (-undisturbed +disturbed):\n%s", diff)
		}
	}()
	eventually(t, id+" to end as one that was not disturbed", func(context.Context) bool {
		diff = cmp.Diff(want, snapshot(t, id))
		return diff == ""
	})
}

// TestForbiddenOnOneKind takes away the right to one kind: the workspace says so and why, everything else is done, and
// when the right is back, so is Ready.
func TestForbiddenOnOneKind(t *testing.T) {
	svc, proxy := proxied(t)
	proxy.Set(every(1, func(r *http.Request) bool {
		return changes(r) && strings.Contains(r.URL.Path, "/networkpolicies")
	}, faultproxy.Fault{Status: http.StatusForbidden}).rule)
	life[0].deliver(t, svc, "forbidden")
	eventually(t, "the isolation to be refused", func(ctx context.Context) bool {
		var w v1alpha1.Workspace
		if world.admin.Get(ctx, named("forbidden"), &w) != nil {
			return false
		}
		for _, c := range w.Status.Conditions {
			if c.Type == v1alpha1.ConditionNetworkIsolated {
				return c.Status == "False" && strings.Contains(c.Message, "refused by the fault proxy")
			}
		}
		return false
	})
	mustLive(t, svc)
	proxy.Set(nil)
	settled(t, "forbidden", v1alpha1.ReasonReady)
}

// TestUndoneUnseen takes the label off what the service has made while its watch was broken: at once, after the workspace has
// changed, or when it has been looked at because its event didn't come. The watch begins anew, and never shows that there was
// anything.
func TestUndoneUnseen(t *testing.T) {
	svc, proxy := proxied(t)
	looked := func(t *testing.T) {
		t.Helper()
		for _, metric := range []string{"workspace_flyte_unheard_writes_total", "controller_runtime_reconcile_total"} {
			grows(t, svc, metric)
		}
	}
	for _, c := range []struct {
		id        string
		meanwhile func(*testing.T)
	}{
		{"undone-at-once", func(*testing.T) {}},
		{"undone-changed", func(t *testing.T) {
			t.Helper()
			life[1].deliver(t, svc, "undone-changed")
			settled(t, "undone-changed", v1alpha1.ReasonReady)
		}},
		{"undone-late", looked},
	} {
		t.Run(c.id, func(t *testing.T) {
			proxy.Set(every(1, ofConfig, faultproxy.Fault{Status: http.StatusServiceUnavailable}).rule)
			proxy.Break()
			life[0].deliver(t, svc, c.id)
			settled(t, c.id, v1alpha1.ReasonReady)
			c.meanwhile(t)
			undone, config := time.Now(), unlabelled(t, "flyte-"+c.id)
			proxy.Set(goneOnce())
			eventually(t, "the label", func(ctx context.Context) bool {
				err := world.admin.Get(ctx, client.ObjectKeyFromObject(config), config)
				return err == nil && config.Labels[v1alpha1.LabelWorkspace] == c.id
			})
			if took := time.Since(undone); took > 3*k8s.EchoPatience {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestNamespacesUnseen makes, suspends and deletes a workspace while nothing tells of its Namespace: its members may only look, all
// the same.
func TestNamespacesUnseen(t *testing.T) {
	svc, proxy := proxied(t)
	ofNamespaces := func(r *http.Request) bool { return watches(r) && r.URL.Path == "/api/v1/namespaces" }
	proxy.Set(every(1, ofNamespaces, faultproxy.Fault{Status: http.StatusServiceUnavailable}).rule)
	proxy.Break()
	for _, e := range life {
		e.deliver(t, svc, "unseen")
		settled(t, "unseen", e.reason)
		var bindings rbacv1.RoleBindingList
		if err := world.admin.List(t.Context(), &bindings, client.InNamespace("flyte-unseen")); err != nil {
			t.Fatal(err)
		}
		for i := range bindings.Items {
			role := bindings.Items[i].Name
			if may, active := role != "workspace-viewer", e.reason == v1alpha1.ReasonReady; may && !active {
				t.Errorf("after %s there is %s", e.name, role)
			}
		}
		if len(bindings.Items) == 0 {
			t.Errorf("after %s nobody may even look", e.name)
		}
	}
}

func ofConfig(r *http.Request) bool { return watches(r) && strings.Contains(r.URL.Path, "/configmaps") }

// goneOnce lets the watch begin anew.
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
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-config"}}
	none := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": null}}`))
	if err := world.admin.Patch(t.Context(), config, none); err != nil {
		t.Fatal(err)
	}
	return config
}

// mustLive fails when the service has ended, or is not ready any more.
func mustLive(t *testing.T, svc *service.Service) {
	t.Helper()
	select {
	case <-svc.Exited():
		t.Fatal(svc.Failure())
	default:
	}
}
