package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	quotaName       = "workspace-quota"
	maxShownMembers = 20
	shownDeliveries = 3
)

func (d *description) writeSpec(p *page) {
	s := &d.Spec
	p.section("Workspace")
	p.field("Id", d.Name)
	p.field("Name", string(s.DisplayName))
	p.field("Description", string(s.Description))
	p.field("Owner", string(s.Owner))
	p.field("Tier", tierText(d.Workspace))
	p.field("Quota", quotaText(s.Quota))
	p.field("State", string(s.State))
	p.field("Versions", fmt.Sprintf("content %d, state %d", s.Version, s.StateVersion))
	p.field("Labels", labelsText(s.Labels))
	p.field("Namespaces", strings.Join(d.Status.Namespaces, ", "))
	p.field("Flyte project", d.Status.ProjectID)
	p.field("Console", d.Status.ConsoleURL)
	p.field("Created", age(d.CreationTimestamp, d.now)+" ago")
	p.field("Newest webhooks", strings.Join(newestDeliveries(d.Workspace), ", "))
}

// newestDeliveries are the ids of the newest webhooks, the newest first.
func newestDeliveries(w *v1alpha1.Workspace) (ids []string) {
	recorded := workspace.Deliveries(w)
	for _, d := range recorded[:min(len(recorded), shownDeliveries)] {
		ids = append(ids, d.ID)
	}
	return ids
}

func tierText(w *v1alpha1.Workspace) string {
	if w.Status.Tier != "" && w.Status.Tier != w.Spec.Tier {
		return fmt.Sprintf("%s (still applied: %s)", w.Spec.Tier, w.Status.Tier)
	}
	return w.Spec.Tier
}

// quotaText is what the workspace asks for itself.
func quotaText(q v1alpha1.Quota) string {
	var parts []string
	add := func(name, amount string) {
		if amount != "" {
			parts = append(parts, name+" "+amount)
		}
	}
	add("cpu", string(q.CPU))
	add("memory", string(q.Memory))
	add("gpu", string(q.GPU))
	add("storage", string(q.Storage))
	add("pods", string(q.Pods))
	for _, key := range slices.Sorted(maps.Keys(q.Extra)) {
		add(key, string(q.Extra[key]))
	}
	return strings.Join(parts, ", ")
}

func labelsText(labels map[string]v1alpha1.LabelValue) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, key+"="+string(labels[key]))
	}
	return strings.Join(parts, ", ")
}

func (d *description) writeMembers(p *page) {
	members := d.Spec.Members
	if len(members) == 0 {
		return
	}
	p.section("Members")
	for _, m := range members[:min(len(members), maxShownMembers)] {
		p.row(string(m.Role), string(m.Kind), string(m.Name))
	}
	if more := len(members) - maxShownMembers; more > 0 {
		p.row(fmt.Sprintf("and %d more", more))
	}
}

func (d *description) writeConditions(p *page) {
	p.section("Conditions")
	p.row("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE")
	for _, c := range d.Status.Conditions {
		p.row(c.Type, string(c.Status), c.Reason, age(c.LastTransitionTime, d.now), c.Message)
	}
}

func (d *description) writeQuotas(p *page) {
	if len(d.quotas) == 0 {
		return
	}
	p.section("Quota of each namespace (without counts that are 0)")
	p.row("NAMESPACE", "RESOURCE", "USED", "HARD")
	for _, q := range d.quotas {
		if len(q.Hard) == 0 {
			p.row(q.namespace, "none applied")
		}
		for _, name := range slices.Sorted(maps.Keys(q.Hard)) {
			hard, used := q.Hard[name], q.Used[name]
			if used.IsZero() && (hard.IsZero() || strings.HasPrefix(string(name), "count/")) {
				continue // a count that nothing approaches
			}
			p.row(q.namespace, q.resource(name), used.String(), hard.String())
		}
	}
}

func (d *description) writeDeletion(p *page) {
	del := d.Status.Deletion
	if del == nil {
		return
	}
	p.section("Deletion")
	p.field("Policy", string(del.Policy))
	p.field("Requested", age(del.RequestedAt, d.now)+" ago")
	p.field("Removal", removal(del, d.now))
	var names []string
	for _, n := range del.Namespaces {
		names = append(names, n.Name)
	}
	p.field("Removes", strings.Join(names, ", "))
	p.field("Starts at", moment(del.PurgeAt))
	p.field("Started at", moment(del.PurgeStartedAt))
	p.field("Done at", moment(del.PurgedAt))
	p.field("Forgotten at", moment(del.ExpiresAt))
}

func moment(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (d *description) writeReports(p *page) {
	r := d.Status.Reported
	if r == nil {
		return
	}
	p.section("Reports to the workspace service")
	refused := meta.IsStatusConditionFalse(d.Status.Conditions, v1alpha1.ConditionReported)
	if ready := d.ReadyCondition(); ready.Reason != r.Reason && !refused {
		p.row("waiting", ready.Reason, "run `"+programName+" doctor` to see why, if it stays so")
	}
	p.row("accepted", r.Reason, fmt.Sprintf("version %d", r.Version), age(r.Time, d.now)+" ago")
}

func (d *description) writeEvents(p *page) {
	p.section("Events")
	if len(d.events) == 0 {
		p.row("none in the last hour")
		return
	}
	p.row("LAST SEEN", "TYPE", "REASON", "MESSAGE")
	for _, e := range d.events {
		p.row(ageOf(&e, d.now), e.Type, e.Reason, e.Message)
	}
}
