package remedy

import (
	"slices"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Remedy says what a condition with one of these reasons means, and what to do.
type Remedy struct {
	Reasons []string
	Means   Text
	Do      Text
	// Condition is set where the reason belongs to a condition that Ready does not depend on, with its status: "Unlisted True".
	Condition string
}

// Of returns the remedy for a reason, or false if the reason is unknown, as one of a newer version is.
func Of(reason string) (Remedy, bool) {
	all := append(Ready(), WorkspaceService()...)
	i := slices.IndexFunc(all, func(r Remedy) bool { return slices.Contains(r.Reasons, reason) })
	if i < 0 {
		return Remedy{}, false
	}
	return all[i], true
}

// Ready returns the remedies for the reasons of Ready and of the conditions that it is derived from.
func Ready() []Remedy {
	return slices.Concat(satisfied(), specification(), cluster(), queue(), flyte(), deletion())
}

// WorkspaceService returns the remedies for the reasons of the conditions about the workspace service.
func WorkspaceService() []Remedy {
	return []Remedy{
		{
			Condition: v1alpha1.ConditionReported + " True",
			Reasons:   []string{v1alpha1.ReasonReported},
			Means:     "it accepted the newest report",
			Do:        "nothing",
		},
		{
			Condition: v1alpha1.ConditionReported + " False",
			Reasons:   []string{v1alpha1.ReasonReportRefused},
			Means:     "it refused the report with a 4xx",
			Do: "401, 403: check secret and token. 404: it does not know the workspace: create it there. " +
				"The report is sent again after the next change, resync or restart",
		},
		{
			Condition: v1alpha1.ConditionUnlisted + " True",
			Reasons:   []string{v1alpha1.ReasonNotListed},
			Means:     "its complete listing lacks the workspace; nothing else changes",
			Do:        "delete the workspace there, or create it there",
		},
	}
}

func satisfied() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonReady, v1alpha1.ReasonApplied},
			Means:   "all resources are in place",
			Do:      "nothing",
		},
		{
			Reasons: []string{v1alpha1.ReasonSuspended, v1alpha1.ReasonAccessReduced, v1alpha1.ReasonArchived},
			Means:   "suspended or deleted: members have read-only access, the project accepts no new executions",
			Do:      "nothing, until `workspace.resumed`",
		},
		{
			Reasons: []string{v1alpha1.ReasonQuotaClamped},
			Means:   "the workspace asks for more than the tier's maximum; the maximum applies",
			Do:      "lower the quota, or raise the maximum",
		},
		{
			Reasons: []string{v1alpha1.ReasonDomainIgnored},
			Means:   "the tier has quotas or shares for domains without a namespace",
			Do:      "correct the domain in the tier, or put `{domain}` into `NAMESPACE_TEMPLATE`",
		},
	}
}

// specification is about what people asked for.
func specification() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonAwaitingContent},
			Means:   "a state event came before `workspace.created`, or `spec.displayName` is empty",
			Do:      "send `workspace.created` again",
		},
		{
			Reasons: []string{v1alpha1.ReasonInvalid},
			Means:   "the spec breaks a rule; the message names the field",
			Do:      "correct the Workspace",
		},
		{
			Reasons: []string{v1alpha1.ReasonLimitExceeded},
			Means:   "`MAX_WORKSPACES` older workspaces exist, or they have [too many members](#many-members)",
			Do:      "raise the limit or delete workspaces; checked within 20 minutes",
		},
		{
			Reasons: []string{v1alpha1.ReasonConflict},
			Means: "a namespace, project or ClusterQueue of that name exists without the workspace's label, or an object of that name " +
				"that the tier did not create",
			Do: "use another id, or hand it over with the label `platform.company.com/workspace=ID` " +
				"([projects](flyte.md#what-a-project-is)). For an object of the tier: delete the existing one, or rename the tier's. " +
				"Checked within 20 minutes",
		},
		{
			Reasons: []string{v1alpha1.ReasonTierNotFound, v1alpha1.ReasonTierNotAllowed},
			Means:   "the tier does not exist, or excludes this workspace ([effect](tiers.md#a-workspace-without-its-tier))",
			Do:      "create the tier, allow the workspace, or change its tier",
		},
		{
			Reasons: []string{v1alpha1.ReasonTierInvalid},
			Means:   "an annotation or [object](tiers.md#objects) of the tier can't have its effect; the message names the field. The rest applies",
			Do:      "correct the field. `{domain}` needs `{domain}` in `NAMESPACE_TEMPLATE`, a kind must be in the chart's `tierObjects`",
		},
	}
}
