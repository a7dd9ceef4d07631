package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/remedy"
)

// reportTimeout is when a report is late: retries take 90 s at most.
const reportTimeout = 5 * time.Minute

// checkWorkspaceService judges it by the reports that it should have accepted.
func (e *examination) checkWorkspaceService(context.Context) []finding {
	const check = "workspace service"
	if e.settings == nil {
		return nil
	}
	if e.settings["WORKSPACE_API_ENDPOINT"] == "" {
		return []finding{passed(check, "none is configured")}
	}
	var late, refused, unlisted int
	for i := range e.workspaces {
		w := &e.workspaces[i]
		reported := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReported)
		switch {
		case reported != nil && reported.Reason == v1alpha1.ReasonReportRefused:
			refused++
		case reportIsLate(w, time.Now()):
			late++
		}
		if meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionUnlisted) {
			unlisted++
		}
	}
	return []finding{judgeReports(check, late, refused, unlisted)}
}

func judgeReports(check string, late, refused, unlisted int) finding {
	ofRefused, _ := remedy.Of(v1alpha1.ReasonReportRefused)
	ofUnlisted, _ := remedy.Of(v1alpha1.ReasonNotListed)
	switch {
	case late > 0:
		return failed(check, fmt.Sprintf("%d reports have waited for more than %s", late, reportTimeout),
			"check the workspace service, WORKSPACE_API_ENDPOINT and the network between them; the log of the leader has its answer")
	case refused > 0:
		return failed(check, fmt.Sprintf("it refused the reports of %d workspaces", refused), ofRefused.Do.Plain())
	case unlisted > 0:
		return warned(check, fmt.Sprintf("it does not list %d workspaces", unlisted), ofUnlisted.Do.Plain())
	}
	return passed(check, "it accepted every report")
}

// reportIsLate reports whether the newest accepted report is not of the present reason, since long.
func reportIsLate(w *v1alpha1.Workspace, now time.Time) bool {
	ready := w.ReadyCondition()
	old := !ready.LastTransitionTime.IsZero() && now.Sub(ready.LastTransitionTime.Time) > reportTimeout
	return old && (w.Status.Reported == nil || w.Status.Reported.Reason != ready.Reason)
}

// checkNetwork shows what the network probe found.
func (e *examination) checkNetwork(context.Context) []finding {
	const check = "network isolation"
	if e.settings == nil {
		return nil
	}
	if e.settings["NETWORK_PROBE_ADDRESS"] == "" {
		return []finding{warned(check, "nothing has tried whether the cluster enforces NetworkPolicies",
			"set the chart's value networkPolicy.probe=true: a pod then tries a connection that a policy closes")}
	}
	for i := range e.workspaces {
		c := meta.FindStatusCondition(e.workspaces[i].Status.Conditions, v1alpha1.ConditionNetworkIsolated)
		if c != nil && c.Reason == v1alpha1.ReasonNotEnforced {
			r, _ := remedy.Of(c.Reason)
			return []finding{failed(check, c.Reason+": "+r.Means.Plain(), r.Do.Plain())}
		}
	}
	if len(e.workspaces) == 0 {
		return []finding{warned(check, "the probe's result is shown by workspaces, and there is none", "")}
	}
	return []finding{passed(check, "the probe found that the cluster enforces NetworkPolicies")}
}

// checkWorkspaces counts those that are not Ready, by reason.
func (e *examination) checkWorkspaces(context.Context) []finding {
	const check = "workspaces"
	counts, stalled := map[string]int{}, 0
	for i := range e.workspaces {
		ready := e.workspaces[i].ReadyCondition()
		if ready.Status == metav1.ConditionTrue {
			continue
		}
		counts[ready.Reason]++
		if v1alpha1.RequiresAction(ready.Reason) {
			stalled++
		}
	}
	if len(counts) == 0 {
		return []finding{passed(check, "%d, all as their specs want them", len(e.workspaces))}
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	return []finding{warned(check, fmt.Sprintf("%d, of which not ready: %s; %d stay so until somebody acts",
		len(e.workspaces), strings.Join(parts, ", "), stalled),
		fmt.Sprintf("`%s get workspaces --not-ready` lists them, `describe workspace ID` says what to do", programName))}
}
