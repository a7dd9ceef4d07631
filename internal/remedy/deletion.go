package remedy

import "platform.company.com/workspace-flyte-integration/api/v1alpha1"

func deletion() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonDeleted},
			Means:   "deleted: locked and archived. With the policy `Delete`, `status.deletion.purgeAt` says when its namespaces go",
			Do:      "nothing, or [restore](#restore-a-workspace) it",
		},
		{
			Reasons: []string{v1alpha1.ReasonPurgePaused},
			Means:   "more than 10 % of all workspaces would be purged within an hour",
			Do:      "find out who deletes so many, then release or restore them: [mass deletion](#mass-deletion)",
		},
		{
			Reasons: []string{v1alpha1.ReasonPurging},
			Means:   "the namespaces are being deleted; a workspace wanted again gets new ones afterwards",
			Do:      "nothing",
		},
		{
			Reasons: []string{v1alpha1.ReasonPurgeStuck},
			Means:   "a namespace has been terminating for 10 minutes",
			Do:      "`kubectl get namespace NAME -o yaml` shows what blocks it",
		},
		{
			Reasons: []string{v1alpha1.ReasonPurged},
			Means:   "the namespaces are gone; the Workspace is a tombstone until `status.deletion.expiresAt`",
			Do:      "nothing; a newer `workspace.created` recreates everything",
		},
	}
}
