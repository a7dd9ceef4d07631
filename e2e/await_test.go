package e2e

import (
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const pollInterval = 20 * time.Millisecond

var patience = flag.Duration("patience", time.Minute, "how long anything may take that a story waits for")

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, holds func(context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, *patience, true, func(ctx context.Context) (bool, error) {
		return holds(ctx), nil
	})
	if err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

// named is the key of a cluster-scoped object.
func named(name string) client.ObjectKey { return client.ObjectKey{Name: name} }

// ready is the Ready condition, of the generation that there is.
func ready(w *v1alpha1.Workspace) metav1.Condition {
	c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
	if c == nil || c.ObservedGeneration != w.Generation {
		return metav1.Condition{}
	}
	return *c
}

// settled waits until the workspace's Ready condition has this reason, for its newest generation.
func settled(t testing.TB, id, reason string) *v1alpha1.Workspace {
	t.Helper()
	var w v1alpha1.Workspace
	eventually(t, id+" to be "+reason, func(ctx context.Context) bool {
		return world.admin.Get(ctx, named(id), &w) == nil && ready(&w).Reason == reason
	})
	return &w
}

// countReady counts the Ready workspaces whose id begins with prefix.
func countReady(t testing.TB, prefix string) (n int) {
	t.Helper()
	var all v1alpha1.WorkspaceList
	if err := world.admin.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for i := range all.Items {
		if strings.HasPrefix(all.Items[i].Name, prefix) && ready(&all.Items[i]).Status == metav1.ConditionTrue {
			n++
		}
	}
	return n
}

// readyTimes watches until n workspaces whose id begins with prefix have become Ready, and tells when the watch said so.
func readyTimes(ctx context.Context, prefix string, n int) (<-chan map[string]time.Time, error) {
	var list v1alpha1.WorkspaceList
	events, err := world.admin.Watch(ctx, &list)
	if err != nil {
		return nil, err
	}
	result := make(chan map[string]time.Time, 1)
	go func() {
		defer events.Stop()
		times := map[string]time.Time{}
		for len(times) < n {
			event, open := <-events.ResultChan()
			if !open {
				break
			}
			w, ok := event.Object.(*v1alpha1.Workspace)
			if !ok || !strings.HasPrefix(w.Name, prefix) {
				continue
			}
			if _, seen := times[w.Name]; !seen && event.Type != watch.Deleted && ready(w).Status == metav1.ConditionTrue {
				times[w.Name] = time.Now()
			}
		}
		result <- times
	}()
	return result, nil
}
