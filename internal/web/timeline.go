package web

import (
	"slices"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// moment is an entry of the timeline of a workspace.
type moment struct {
	at    time.Time
	kind  string // condition, event, webhook, resync, report or deletion
	title string
	text  string
	level string // good, bad or plain
	count int32
}

// timelineOf merges what has a time: conditions, Events, webhooks, reports and the deletion. The newest comes first.
func timelineOf(d *workspaceDetail) (moments []moment) {
	for _, c := range d.Conditions {
		moments = append(moments, momentOfCondition(c))
	}
	for _, e := range d.events {
		moments = append(moments, momentOfEvent(e))
	}
	if d.Reported != nil {
		moments = append(moments, momentOfReport(d.Reported))
	}
	for _, received := range d.Deliveries {
		if !received.ReceivedAt.IsZero() {
			moments = append(moments, momentOfDelivery(received))
		}
	}
	moments = append(moments, deletionMoments(d.Deletion)...)
	moments = append(moments, moment{at: d.CreatedAt.Time, kind: "Workspace", title: "Created", level: "plain"})
	slices.SortStableFunc(moments, func(a, b moment) int { return b.at.Compare(a.at) })
	return moments
}

func momentOfEvent(e event) moment {
	level := "plain"
	if e.Type == "Warning" {
		level = "bad"
	}
	return moment{at: e.Last.Time, kind: "Event", title: e.Reason, text: e.Note, level: level, count: e.Count}
}

func momentOfReport(r *reported) moment {
	return moment{at: r.Time.Time, kind: "Report", title: r.Status, text: "The workspace service accepted the report.", level: "plain"}
}

// momentOfDelivery tells webhooks from what the service found in the workspace service's listing.
func momentOfDelivery(d delivery) moment {
	kind := "Webhook"
	if strings.HasPrefix(d.ID, "resync_") {
		kind = "Resync"
	}
	return moment{at: d.ReceivedAt, kind: kind, title: d.ID, text: "The service stored this event.", level: "plain"}
}

func momentOfCondition(c condition) moment {
	m := moment{at: c.ChangedAt.Time, kind: "Condition", title: c.Type + " is " + string(c.Status) + ": " + c.Reason, text: c.Message}
	m.level = "good"
	if isFailing(c) {
		m.level = "bad"
	}
	if c.Type == v1alpha1.ConditionReconciling || c.Type == v1alpha1.ConditionStalled {
		m.level = "plain"
	}
	return m
}

// isFailing reports whether a condition is not as it should be. Reconciling, Stalled and Unlisted are bad if they are True.
func isFailing(c condition) bool {
	switch c.Type {
	case v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionUnlisted:
		return c.Status == "True"
	}
	return c.Status != "True"
}

func deletionMoments(d *deletion) (moments []moment) {
	if d == nil {
		return nil
	}
	moments = append(moments, moment{at: d.RequestedAt.Time, kind: "Deletion", title: "Requested, policy " + string(d.Policy), level: "plain"})
	if d.PurgeStartedAt != nil {
		moments = append(moments, moment{at: d.PurgeStartedAt.Time, kind: "Deletion", title: "Removal of the namespaces began", level: "bad"})
	}
	if d.PurgedAt != nil {
		moments = append(moments, moment{at: d.PurgedAt.Time, kind: "Deletion", title: "The namespaces are gone", level: "plain"})
	}
	return moments
}
