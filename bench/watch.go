package main

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// conditionWatch records when a watch first shows that objects meet a condition, by name.
type conditionWatch struct {
	names  map[string]time.Time
	events watch.Interface
	seen   func(client.Object) (name string, met bool)
	// resume watches from version on: a busy API server ends a watch that lags behind.
	resume  func(version string) (watch.Interface, error)
	version string
}

// watchFor watches the objects of a kind from now on. seen reports the object's name and whether it meets the condition.
func (e *environment) watchFor(
	ctx context.Context, list client.ObjectList, seen func(client.Object) (string, bool),
) (*conditionWatch, error) {
	if err := e.bare.List(ctx, list, client.Limit(1)); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	s := &conditionWatch{names: map[string]time.Time{}, seen: seen, version: list.GetResourceVersion()}
	s.resume = func(version string) (watch.Interface, error) {
		return e.bare.Watch(ctx, list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}})
	}
	if err := s.resumeWatch(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *conditionWatch) resumeWatch() (err error) {
	if s.events, err = s.resume(s.version); err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	return nil
}

// from makes a watch start after the list.
func from(list client.ObjectList) *metav1.ListOptions {
	return &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}
}

// until returns the times by name when all these objects have met the condition. It fails after timeout.
func (s *conditionWatch) until(ctx context.Context, names ...string) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	missing := map[string]bool{}
	for _, name := range names {
		if _, seen := s.names[name]; !seen {
			missing[name] = true
		}
	}
	for len(missing) > 0 {
		select {
		case event, open := <-s.events.ResultChan():
			if !open {
				if err := s.resumeWatch(); err != nil {
					return nil, fmt.Errorf("%d of %d are missing: %w", len(missing), len(names), err)
				}
				continue
			}
			if event.Type == watch.Error {
				return nil, fmt.Errorf("the watch failed with %d of %d missing: %w", len(missing), len(names), apierrors.FromObject(event.Object))
			}
			if name := s.observe(event); name != "" {
				delete(missing, name)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting with %d of %d missing: %w", len(missing), len(names), ctx.Err())
		}
	}
	return s.names, nil
}

func (s *conditionWatch) observe(event watch.Event) string {
	object, ok := event.Object.(client.Object)
	if !ok {
		return ""
	}
	s.version = object.GetResourceVersion()
	if event.Type == watch.Deleted {
		return ""
	}
	name, met := s.seen(object)
	if _, before := s.names[name]; !met || before {
		return ""
	}
	s.names[name] = time.Now()
	return name
}

func (s *conditionWatch) stop() { s.events.Stop() }

// ready reports whether a Workspace is Ready in its current generation.
func ready(o client.Object) (string, bool) {
	w, ok := o.(*v1alpha1.Workspace)
	if !ok {
		return "", false
	}
	c := w.ReadyCondition()
	return w.Name, c.Reason == v1alpha1.ReasonReady && c.ObservedGeneration == w.Generation
}
