package harness

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

// Patience is how long a test waits for anything.
var Patience = flag.Duration("patience", time.Minute, "how long a test waits for anything")

// Polls are soon repeated, and then less and less often: many tests poll at the same time.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 250 * time.Millisecond
	slowdown  = 1.4
)

// Eventually waits until the condition is true.
func Eventually(t testing.TB, what string, condition func(context.Context) bool) {
	t.Helper()
	if err := Poll(t.Context(), condition); err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

// Poll returns nil when the condition is true, or an error after [Patience].
func Poll(ctx context.Context, condition func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, *Patience)
	defer cancel()
	backoff := wait.Backoff{Duration: firstPoll, Factor: slowdown, Cap: lastPoll, Steps: int(*Patience / firstPoll)}
	return backoff.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) { return condition(ctx), nil })
}

// Key is the key of a cluster-scoped object.
func Key(name string) client.ObjectKey { return client.ObjectKey{Name: name} }

// Ready is the Ready condition, or a zero one if it is of an older generation.
func Ready(w *v1alpha1.Workspace) metav1.Condition {
	c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
	if c == nil || c.ObservedGeneration != w.Generation {
		return metav1.Condition{}
	}
	return *c
}

// AwaitReason waits until the Ready condition of the workspace has this reason, for its newest generation.
func (e *Env) AwaitReason(t testing.TB, id, reason string) *v1alpha1.Workspace {
	t.Helper()
	var w v1alpha1.Workspace
	Eventually(t, id+" to be "+reason, func(ctx context.Context) bool {
		return e.Admin.Get(ctx, Key(id), &w) == nil && Ready(&w).Reason == reason
	})
	return &w
}

// CountReady counts the Ready workspaces whose id begins with prefix.
func (e *Env) CountReady(t testing.TB, prefix string) (n int) {
	t.Helper()
	var all v1alpha1.WorkspaceList
	if err := e.Admin.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for i := range all.Items {
		if strings.HasPrefix(all.Items[i].Name, prefix) && Ready(&all.Items[i]).Reason == v1alpha1.ReasonReady {
			n++
		}
	}
	return n
}

// Watch watches lists of this kind and calls see with each object until that returns true. It starts again where the API server ends
// the watch.
func (e *Env) Watch(ctx context.Context, list client.ObjectList, see func(watch.Event) (done bool), options ...client.ListOption) error {
	for ctx.Err() == nil {
		events, err := e.Admin.Watch(ctx, list, options...)
		if err != nil {
			return err
		}
		for event := range events.ResultChan() {
			if see(event) {
				events.Stop()
				return nil
			}
		}
	}
	return ctx.Err()
}
