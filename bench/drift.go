package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
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
	floor, err := e.bareRepairTimes(ctx, namespaces)
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

// bareRepairTimes is repairTimes while each open policy is closed as soon as a watch shows it.
func (e *environment) bareRepairTimes(ctx context.Context, namespaces []string) (times []time.Duration, err error) {
	group, ctx := errgroup.WithContext(ctx)
	repairing, stop := context.WithCancel(ctx)
	events, err := e.watchPolicies(repairing)
	if err != nil {
		stop()
		return nil, err
	}
	open := make(chan string, len(namespaces)) // never full: the API server ends a watch that is read slowly
	group.Go(func() error { return e.findOpen(repairing, events, open) })
	for range atOnce {
		group.Go(func() error { return e.closePolicies(repairing, open) })
	}
	times, err = e.repairTimes(ctx, namespaces)
	stop()
	return times, errors.Join(err, group.Wait())
}

func (e *environment) watchPolicies(ctx context.Context) (watch.Interface, error) {
	var list networkingv1.NetworkPolicyList
	if err := e.bare.List(ctx, &list, client.Limit(1)); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	events, err := e.bare.Watch(ctx, &list, &client.ListOptions{Raw: from(&list)})
	if err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	return events, nil
}

// findOpen sends the namespace of each policy that opens, until ctx is done.
func (e *environment) findOpen(ctx context.Context, events watch.Interface, open chan<- string) error {
	defer close(open)
	for event := range events.ResultChan() {
		policy, ok := event.Object.(*networkingv1.NetworkPolicy)
		if ok && policy.Name == drifting && isOpen(policy) {
			open <- policy.Namespace
		}
	}
	if ctx.Err() == nil {
		return errors.New("the API server ended the watch of policies")
	}
	return nil
}

func (e *environment) closePolicies(ctx context.Context, open <-chan string) error {
	for namespace := range open {
		if err := e.patchPolicy(ctx, namespace, closed); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}
