// Package kueuetest has Kueue's CRDs, and a double of its controllers, for tests.
package kueuetest

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

//go:embed crds
var crds embed.FS

// CRDs are those of ClusterQueue and LocalQueue in Kueue v0.17.
func CRDs(t testing.TB) (all []*unstructured.Unstructured) {
	t.Helper()
	names, err := fs.Glob(crds, "crds/*.yaml")
	clustertest.Must(t, err)
	for _, name := range names {
		text, err := crds.ReadFile(name)
		clustertest.Must(t, err)
		crd := &unstructured.Unstructured{}
		clustertest.Must(t, yaml.Unmarshal(text, &crd.Object))
		all = append(all, crd)
	}
	return all
}

// Install creates the CRDs, and returns when the API server serves them.
func Install(t testing.TB, cfg *rest.Config) {
	t.Helper()
	c := Client(t, cfg)
	for _, crd := range CRDs(t) {
		clustertest.Must(t, client.IgnoreAlreadyExists(c.Create(t.Context(), crd)))
	}
	clustertest.Eventually(t, func(ctx context.Context) error {
		return errors.Join(c.List(ctx, &kueue.ClusterQueueList{}), c.List(ctx, &kueue.LocalQueueList{}))
	})
}

// Client is a client that knows Kueue's types.
func Client(t testing.TB, cfg *rest.Config) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	clustertest.Must(t, kueue.AddToScheme(scheme))
	c, err := client.NewWithWatch(cfg, client.Options{Scheme: scheme})
	clustertest.Must(t, err)
	return c
}

// MissingFlavor is a ResourceFlavor that does not exist, for the double; all others do.
const MissingFlavor = "missing"

// Report plays Kueue's controllers until the test ends: it reports the state of every queue.
func Report(t testing.TB, cfg *rest.Config) {
	t.Helper()
	c := Client(t, cfg)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{}, 2)
	for _, list := range []client.ObjectList{&kueue.ClusterQueueList{}, &kueue.LocalQueueList{}} {
		events, err := c.Watch(ctx, list)
		clustertest.Must(t, err)
		go func() {
			for event := range events.ResultChan() {
				if queue, ok := event.Object.(client.Object); ok {
					report(ctx, c, queue)
				}
			}
			ended <- struct{}{}
		}()
	}
	t.Cleanup(func() {
		cancel()
		<-ended
		<-ended
	})
}

// report writes what Kueue says of a queue. What changed meanwhile causes another event.
func report(ctx context.Context, c client.Client, queue client.Object) {
	status := kueue.StatusOf(queue)
	active := metav1.Condition{
		Type: kueue.ConditionActive, Status: metav1.ConditionTrue, Reason: "Ready", Message: "Can admit new workloads",
		ObservedGeneration: queue.GetGeneration(),
	}
	if reason := inactive(queue); reason != "" {
		active.Status, active.Reason, active.Message = metav1.ConditionFalse, reason, fmt.Sprintf("Can't admit new workloads: %s.", reason)
	}
	before := queue.DeepCopyObject().(client.Object)
	if meta.SetStatusCondition(&status.Conditions, active) {
		_ = c.Status().Patch(ctx, queue, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	}
}

func inactive(queue client.Object) string {
	switch q := queue.(type) {
	case *kueue.ClusterQueue:
		missing := func(g kueue.ResourceGroup) bool {
			return slices.ContainsFunc(g.Flavors, func(f kueue.FlavorQuotas) bool { return f.Name == MissingFlavor })
		}
		if slices.ContainsFunc(q.Spec.ResourceGroups, missing) {
			return "FlavorNotFound"
		}
		if q.Spec.StopPolicy != kueue.StopNone {
			return "Stopped"
		}
	case *kueue.LocalQueue:
		if q.Spec.StopPolicy != kueue.StopNone {
			return "Stopped"
		}
	}
	return ""
}
