package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	maxEventsRead  = 500
	maxEventsShown = 20
	maxWarnings    = 5
	warningsSince  = time.Hour
)

// aboutWorkspace selects the Events about a workspace. The API server has Events about cluster-scoped objects in the namespace default.
func aboutWorkspace(id string) fields.Selector {
	return fields.AndSelectors(
		fields.OneTermEqualSelector("involvedObject.kind", "Workspace"), fields.OneTermEqualSelector("involvedObject.name", id))
}

// warningsIn returns the newest warnings about objects in a namespace.
func warningsIn(ctx context.Context, kube client.Client, namespace string, now time.Time) ([]corev1.Event, error) {
	warnings := fields.OneTermEqualSelector("type", corev1.EventTypeWarning)
	found, err := readEvents(ctx, kube, namespace, warnings, maxWarnings)
	return slices.DeleteFunc(found, func(e corev1.Event) bool { return now.Sub(lastSeen(&e)) > warningsSince }), err
}

// readEvents returns the newest Events first.
func readEvents(ctx context.Context, kube client.Client, namespace string, about fields.Selector, most int) ([]corev1.Event, error) {
	var found corev1.EventList
	err := kube.List(ctx, &found, client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: about}, client.Limit(maxEventsRead))
	if err != nil {
		return nil, fmt.Errorf("listing Events in %s: %w", namespace, err)
	}
	slices.SortStableFunc(found.Items, func(a, b corev1.Event) int { return lastSeen(&b).Compare(lastSeen(&a)) })
	return found.Items[:min(len(found.Items), most)], nil
}

// lastSeen is when an Event happened last, whichever of its forms it has.
func lastSeen(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

func ageOf(e *corev1.Event, now time.Time) string {
	return duration.HumanDuration(now.Sub(lastSeen(e)))
}

// age is how long ago something was, and "" if that is not known.
func age(at metav1.Time, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return duration.HumanDuration(now.Sub(at.Time))
}
