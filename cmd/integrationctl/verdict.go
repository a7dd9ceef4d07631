package main

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
	"platform.company.com/workspace-flyte-integration/internal/remedy"
)

// writeVerdict says what is wrong, and what to do.
func (d *description) writeVerdict(p *page) {
	p.text(d.verdict())
	d.writeUnseen(p)
	shown := map[string]bool{}
	for _, c := range d.remarkable() {
		if shown[c.Reason] {
			p.section(fmt.Sprintf("%s: %s (see above)", c.Type, c.Reason))
			p.row(c.Message)
			continue
		}
		shown[c.Reason] = true
		d.writeRemedy(p, c)
	}
	d.writeUsedUp(p)
	d.writeWarnings(p)
}

// verdict is the first line. The time is that of the last change between True and False; the reason may be newer.
func (d *description) verdict() string {
	ready := d.ReadyCondition()
	since := age(ready.LastTransitionTime, d.now)
	switch {
	case ready.Status == "":
		return fmt.Sprintf("Workspace %s has no status yet.", d.Name)
	case ready.Status == metav1.ConditionTrue && ready.Reason == v1alpha1.ReasonReady:
		return fmt.Sprintf("Workspace %s is Ready, since %s.", d.Name, since)
	case ready.Status == metav1.ConditionTrue:
		return fmt.Sprintf("Workspace %s is %s, as its spec wants it.", d.Name, ready.Reason)
	case v1alpha1.RequiresAction(ready.Reason):
		return fmt.Sprintf("Workspace %s is not Ready since %s: %s. It stays so until somebody acts.", d.Name, since, ready.Reason)
	}
	return fmt.Sprintf("Workspace %s is not Ready since %s: %s. The service retries by itself.", d.Name, since, ready.Reason)
}

// writeUnseen says that the status is about an older spec.
func (d *description) writeUnseen(p *page) {
	if d.Status.ObservedGeneration == d.Generation {
		return
	}
	p.section("The service has not seen the newest change of this workspace")
	p.field("What to do", "wait a few seconds; if it stays so, `integrationctl doctor` says whether a replica leads")
}

// remarkable are the conditions that a reader must know of, the most important first.
func (d *description) remarkable() (found []metav1.Condition) {
	for _, c := range d.Status.Conditions {
		if d.isRemarkable(c) {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b metav1.Condition) int { return urgency(a) - urgency(b) })
	return slices.DeleteFunc(found, func(c metav1.Condition) bool {
		return c.Reason == v1alpha1.ReasonWaitingForNamespace && found[0].Reason != c.Reason // it has the cause of another
	})
}

func (d *description) isRemarkable(c metav1.Condition) bool {
	switch c.Type {
	case v1alpha1.ConditionReady:
		return c.Status == metav1.ConditionTrue && c.Reason != v1alpha1.ReasonReady || d.onlyReadySays(c)
	case v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled: // repeat Ready
		return false
	case v1alpha1.ConditionUnlisted:
		return true
	}
	return c.Status != metav1.ConditionTrue || c.Reason == v1alpha1.ReasonQuotaClamped || c.Reason == v1alpha1.ReasonDomainIgnored
}

// onlyReadySays reports whether Ready is False for a reason that no step has.
func (d *description) onlyReadySays(ready metav1.Condition) bool {
	return ready.Status == metav1.ConditionFalse && !slices.ContainsFunc(d.Status.Conditions, func(c metav1.Condition) bool {
		return slices.Contains(v1alpha1.StepConditions(), c.Type) && c.Reason == ready.Reason
	})
}

func urgency(c metav1.Condition) int {
	switch {
	case c.Type == v1alpha1.ConditionReady && c.Status == metav1.ConditionFalse:
		return 0
	case v1alpha1.RequiresAction(c.Reason):
		return 1
	case c.Reason == v1alpha1.ReasonWaitingForNamespace:
		return 4
	case c.Status != metav1.ConditionTrue:
		return 2
	}
	return 3
}

func (d *description) writeRemedy(p *page, c metav1.Condition) {
	p.section(fmt.Sprintf("%s: %s", c.Type, c.Reason))
	p.field("Message", c.Message)
	r, ok := remedy.Of(c.Reason)
	if !ok {
		p.field("What to do", "read docs/operations.md of the service's version: this program does not know the reason")
		return
	}
	p.field("It means", r.Means.Plain())
	p.field("What to do", d.withID(r.Do.Plain()))
	if c.Reason == v1alpha1.ReasonSuspended {
		p.field("By hand", "integrationctl resume "+d.Name)
	}
	if c.Reason == v1alpha1.ReasonDeleted || c.Reason == v1alpha1.ReasonPurgePaused {
		p.field("By hand", "integrationctl restore "+d.Name)
	}
}

// withID puts the workspace's id for ID.
func (d *description) withID(text string) string {
	return strings.ReplaceAll(text, "=ID", "="+d.Name)
}

// writeUsedUp names what no pod gets any more.
func (d *description) writeUsedUp(p *page) {
	if d.Spec.State != v1alpha1.StateActive {
		return
	}
	full := d.usedUp()
	if len(full) == 0 {
		return
	}
	p.section("Quota that is used up: pods that need more of it wait or are refused")
	for _, row := range full {
		p.row(row...)
	}
	p.field("What to do", "let running work end, or send an event with a larger quota, up to the tier's maximum")
}

// usedUp has a row for each amount of a quota that is used up, sorted.
func (d *description) usedUp() (rows [][]string) {
	for _, q := range d.quotas {
		for name, hard := range q.Hard {
			if used, ok := q.Used[name]; ok && !hard.IsZero() && used.Cmp(hard) >= 0 {
				rows = append(rows, []string{q.namespace, q.resource(name), used.String() + " of " + hard.String()})
			}
		}
	}
	slices.SortFunc(rows, slices.Compare)
	return rows
}

func (d *description) writeWarnings(p *page) {
	if len(d.warnings) == 0 {
		return
	}
	p.section("Warnings in its namespaces, in the last hour")
	for _, e := range d.warnings {
		p.row(ageOf(&e, d.now), e.Namespace, e.Reason, e.InvolvedObject.Kind+"/"+e.InvolvedObject.Name, printable.Text(e.Message, maxText))
	}
	if d.Spec.State != v1alpha1.StateActive && slices.ContainsFunc(d.warnings, refusedForPods) {
		p.field("What to do", fmt.Sprintf("nothing: it is %s, so new pods are refused", strings.ToLower(string(d.Spec.State))))
	}
}

func refusedForPods(e corev1.Event) bool { return strings.Contains(e.Message, "exceeded quota") }
