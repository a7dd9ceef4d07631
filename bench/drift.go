package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The object that drifts, and the patches that open and close it.
const (
	drifting = "workspace-isolation"
	opened   = `{"spec":{"ingress":[{}]}}`
	closed   = `{"spec":{"ingress":[{"from":[{"podSelector":{}}]}]}}`
)

// isOpen reports whether a policy allows all ingress.
func isOpen(policy *networkingv1.NetworkPolicy) bool {
	return slices.ContainsFunc(policy.Spec.Ingress, func(rule networkingv1.NetworkPolicyIngressRule) bool { return len(rule.From) == 0 })
}

// drift changes one object in each of many workspaces, and measures the time until a watch shows its repair. The floor repairs it with
// one patch as soon as its own watch shows the change.
func drift(ctx context.Context, e *environment, size sizes) ([]row, error) {
	if err := e.createWorkspaces(ctx, "drift", size.drifted); err != nil {
		return nil, err
	}
	namespaces := e.namespacesOf("drift", size.drifted)
	var repaired []time.Duration
	err := e.profiled(ctx, func() (err error) {
		repaired, err = e.repairTimes(ctx, namespaces)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.service.Stop()
	stop, err := e.repairBare(ctx)
	if err != nil {
		return nil, err
	}
	floor, err := e.repairTimes(ctx, namespaces)
	stop()
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("changed by hand → repaired, %d at a time", atOnce)
	return []row{
		timeRow(what, median, repaired, floor, goal{}), timeRow(what, p99, repaired, floor, goal{}),
	}, e.service.Start(ctx)
}

func (e *environment) namespacesOf(prefix string, n int) (names []string) {
	for i := range n {
		for _, namespace := range e.naming.Namespaces(fmt.Sprintf("%s-%d", prefix, i)) {
			names = append(names, namespace.Name)
		}
	}
	return names
}

// repairTimes opens the policy in each namespace and waits until all are closed again.
func (e *environment) repairTimes(ctx context.Context, namespaces []string) (times []time.Duration, err error) {
	closing, err := e.watchFor(ctx, &networkingv1.NetworkPolicyList{}, func(o client.Object) (string, bool) {
		policy, ok := o.(*networkingv1.NetworkPolicy)
		return o.GetNamespace(), ok && policy.Name == drifting && !isOpen(policy)
	})
	if err != nil {
		return nil, err
	}
	defer closing.stop()
	changed := make([]time.Time, len(namespaces))
	done := make(chan error, 1)
	go func() {
		done <- forEach(len(namespaces), atOnce, func(i int) error {
			changed[i] = time.Now()
			return e.patchPolicy(ctx, namespaces[i], opened)
		})
	}()
	seen, watched := closing.until(ctx, namespaces...)
	if err := <-done; err != nil {
		return nil, err
	}
	if watched != nil {
		return nil, watched
	}
	for i, namespace := range namespaces {
		times = append(times, seen[namespace].Sub(changed[i]))
	}
	return times, nil
}

func (e *environment) patchPolicy(ctx context.Context, namespace, patch string) error {
	policy := &networkingv1.NetworkPolicy{}
	policy.Namespace, policy.Name = namespace, drifting
	if err := e.bare.Patch(ctx, policy, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return fmt.Errorf("changing NetworkPolicy %q in %q: %w", drifting, namespace, err)
	}
	return nil
}

// repairBare closes every open policy as soon as a watch shows it, until stop.
func (e *environment) repairBare(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var list networkingv1.NetworkPolicyList
	if err := e.bare.List(ctx, &list, client.Limit(1)); err != nil {
		cancel()
		return nil, fmt.Errorf("listing: %w", err)
	}
	events, err := e.bare.Watch(ctx, &list, &client.ListOptions{Raw: from(&list)})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watching: %w", err)
	}
	for range atOnce {
		go e.closePolicies(ctx, events)
	}
	return func() { cancel(); events.Stop() }, nil
}

func (e *environment) closePolicies(ctx context.Context, events watch.Interface) {
	for event := range events.ResultChan() {
		policy, ok := event.Object.(*networkingv1.NetworkPolicy)
		if ok && policy.Name == drifting && isOpen(policy) {
			_ = e.patchPolicy(ctx, policy.Namespace, closed) // after a failure, repairTimes misses the repair
		}
	}
}
