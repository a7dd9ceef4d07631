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

// sighting is when the watch first told that something holds of an object, by name.
type sighting struct {
	names  map[string]time.Time
	events watch.Interface
	seen   func(client.Object) (name string, holds bool)
	// resume goes on watching after what was seen at version: a busy API server ends a watch that falls behind.
	resume  func(version string) (watch.Interface, error)
	version string
}

// watchFor watches from now on the objects that a list of that kind has. seen tells whether what is waited for holds.
func (w *world) watchFor(ctx context.Context, list client.ObjectList, seen func(client.Object) (string, bool)) (*sighting, error) {
	if err := w.bare.List(ctx, list, client.Limit(1)); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	s := &sighting{names: map[string]time.Time{}, seen: seen, version: list.GetResourceVersion()}
	s.resume = func(version string) (watch.Interface, error) {
		return w.bare.Watch(ctx, list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}})
	}
	if err := s.goOn(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *sighting) goOn() (err error) {
	if s.events, err = s.resume(s.version); err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	return nil
}

// from lets a watch begin after what the list has.
func from(list client.ObjectList) *metav1.ListOptions {
	return &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}
}

// until returns when it holds of all these, with the times by name, or fails when patience is spent.
func (s *sighting) until(ctx context.Context, names ...string) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
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
				if err := s.goOn(); err != nil {
					return nil, fmt.Errorf("%d of %d are missing: %w", len(missing), len(names), err)
				}
				continue
			}
			if event.Type == watch.Error {
				return nil, fmt.Errorf("the watch failed with %d of %d missing: %w", len(missing), len(names), apierrors.FromObject(event.Object))
			}
			if name := s.note(event); name != "" {
				delete(missing, name)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting with %d of %d missing: %w", len(missing), len(names), ctx.Err())
		}
	}
	return s.names, nil
}

func (s *sighting) note(event watch.Event) string {
	object, ok := event.Object.(client.Object)
	if !ok {
		return ""
	}
	s.version = object.GetResourceVersion()
	if event.Type == watch.Deleted {
		return ""
	}
	name, holds := s.seen(object)
	if _, before := s.names[name]; !holds || before {
		return ""
	}
	s.names[name] = time.Now()
	return name
}

func (s *sighting) stop() { s.events.Stop() }

// ready tells whether a Workspace is Ready, as of what is asked of it now.
func ready(o client.Object) (string, bool) {
	w, ok := o.(*v1alpha1.Workspace)
	if !ok {
		return "", false
	}
	c := w.ReadyCondition()
	return w.Name, c.Status == metav1.ConditionTrue && c.ObservedGeneration == w.Generation
}
