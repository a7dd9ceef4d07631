package v1alpha1

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The conditions of a Workspace. Ready is derived from the others: it is True if everything is as the spec wants it, so also
// of a workspace that is suspended or deleted, and entirely so. docs/operations.md says what to do about each reason.
const (
	ConditionNamespaceReady = "NamespaceReady"
	ConditionQuotaApplied   = "QuotaApplied"
	// ConditionQueueReady exists only on a tier with a queue.
	ConditionQueueReady             = "QueueReady"
	ConditionAccessGranted          = "AccessGranted"
	ConditionNetworkIsolated        = "NetworkIsolated"
	ConditionFlyteProjectRegistered = "FlyteProjectRegistered"
	// ConditionObjectsApplied exists only if the tier has objects.
	ConditionObjectsApplied = "ObjectsApplied"
	ConditionReady          = "Ready"
)

// The conditions that say why a Workspace is not Ready, as kstatus reads them (sigs.k8s.io/cli-utils, pkg/kstatus). At most
// one of them exists, and only while Ready is False.
const (
	// ConditionReconciling: the service goes on by itself.
	ConditionReconciling = "Reconciling"
	// ConditionStalled: a person must act, as [RequiresAction] says of the reason.
	ConditionStalled = "Stalled"
)

// The conditions of a Workspace about the workspace service. Ready does not depend on them.
const (
	// ConditionReported: the workspace service accepted the newest report.
	ConditionReported = "Reported"
	// ConditionUnlisted: the workspace service does not list the workspace. The condition exists only while that is so.
	ConditionUnlisted = "Unlisted"
)

// StepConditions are the conditions that Ready is derived from. Ready has the reason of the first one that is not
// satisfied.
func StepConditions() []string {
	return []string{
		ConditionNamespaceReady, ConditionQuotaApplied, ConditionAccessGranted,
		ConditionNetworkIsolated, ConditionQueueReady, ConditionFlyteProjectRegistered, ConditionObjectsApplied,
	}
}

// ReadyCondition is the condition Ready, or the zero Condition while there is none.
func (w *Workspace) ReadyCondition() metav1.Condition {
	if ready := meta.FindStatusCondition(w.Status.Conditions, ConditionReady); ready != nil {
		return *ready
	}
	return metav1.Condition{}
}

// Reasons of conditions that are True.
const (
	// ReasonApplied: all resources of the step are in place.
	ReasonApplied = "Applied"
	// ReasonReady: all resources are in place.
	ReasonReady = "Ready"
	// ReasonQuotaClamped: the workspace asks for more than the tier's maximum; the maximum applies.
	ReasonQuotaClamped = "QuotaClamped"
	// ReasonDomainIgnored: the tier has quotas or shares for Flyte domains without a namespace; they have no effect.
	ReasonDomainIgnored = "DomainIgnored"
	// ReasonAccessReduced: the workspace is suspended or deleted; members have read-only access.
	ReasonAccessReduced = "AccessReduced"
	// ReasonArchived: the workspace is suspended or deleted, and its Flyte project is archived.
	ReasonArchived = "Archived"
	// ReasonQueueHeld: the workspace is suspended or deleted; its queue admits nothing, and what runs finishes.
	ReasonQueueHeld = "QueueHeld"
	// ReasonSuspended: the workspace is suspended, as its spec wants it.
	ReasonSuspended = "Suspended"
	// ReasonDeleted: the workspace is deleted, as its spec wants it, and its namespaces still exist.
	ReasonDeleted = "Deleted"
	// ReasonPurged: the workspace is deleted, and its namespaces are gone.
	ReasonPurged = "Purged"
)

// Reasons of the conditions about the workspace service.
const (
	// ReasonReported: the workspace service accepted the report.
	ReasonReported = "Reported"
	// ReasonReportRefused: the workspace service refused the report, and would refuse a retry.
	ReasonReportRefused = "ReportRefused"
	// ReasonNotListed: a complete listing of the workspace service lacks the workspace, which is never deleted for
	// that.
	ReasonNotListed = "NotListed"
)

// Reasons of conditions that are False.
const (
	// ReasonAwaitingContent: only the state of the workspace has arrived; nothing new is created before its content.
	// Here and with the reasons Invalid, TierNotFound and TierNotAllowed, existing resources are still enforced.
	ReasonAwaitingContent = "AwaitingContent"
	// ReasonInvalid: the spec breaks a validation rule. Only a change of the spec can fix it.
	ReasonInvalid = "Invalid"
	// ReasonConflict: a namespace or project of that name exists without the workspace's label. It is never touched.
	ReasonConflict = "Conflict"
	// ReasonTierNotFound: the WorkspaceTier does not exist.
	ReasonTierNotFound = "TierNotFound"
	// ReasonTierNotAllowed: the WorkspaceTier does not allow this workspace.
	ReasonTierNotAllowed = "TierNotAllowed"
	// ReasonTierInvalid: the tier asks for something impossible in this cluster; the rest of it applies.
	ReasonTierInvalid = "TierInvalid"
	// ReasonWaitingForNamespace: the step needs namespaces that do not exist yet.
	ReasonWaitingForNamespace = "WaitingForNamespace"
	// ReasonNotEnforced: the NetworkPolicies are in place, and the network probe shows that the cluster does not enforce them.
	ReasonNotEnforced = "NotEnforced"
	// ReasonNamespaceTerminating: a namespace is being deleted; it is recreated afterwards.
	ReasonNamespaceTerminating = "NamespaceTerminating"
	// ReasonObjectTerminating: an object in a namespace is being deleted, and a finalizer keeps it.
	ReasonObjectTerminating = "ObjectTerminating"
	// ReasonContested: another client keeps changing an object, or an admission webhook or policy changes it during the
	// write. Repairs are throttled.
	ReasonContested = "Contested"
	// ReasonPullSecretNotFound: a pull secret that the tier names can't be copied; everything else is in place.
	ReasonPullSecretNotFound = "PullSecretNotFound"
	// ReasonKindNotInstalled: the cluster has no such kind as an object of the tier has; everything else is in place.
	ReasonKindNotInstalled = "KindNotInstalled"
	// ReasonLabelNotFound: an object of the tier needs a label that the workspace does not have.
	ReasonLabelNotFound = "LabelNotFound"
	// ReasonForbidden: the API server refuses the request to the service's account.
	ReasonForbidden = "Forbidden"
	// ReasonRejected: the API server, or an admission webhook or policy of the cluster, refuses the object.
	ReasonRejected = "Rejected"
	// ReasonKubernetesUnavailable: the API server does not answer, or answers with an error. The request is retried.
	ReasonKubernetesUnavailable = "KubernetesUnavailable"
	// ReasonFlyteUnavailable: Flyte did not answer. The call is retried.
	ReasonFlyteUnavailable = "FlyteUnavailable"
	// ReasonFlyteUnauthorized: Flyte refuses the service's credentials.
	ReasonFlyteUnauthorized = "FlyteUnauthorized"
	// ReasonFlyteCertificateExpired: the certificate of Flyte or of the token endpoint is not valid now.
	ReasonFlyteCertificateExpired = "FlyteCertificateExpired"
	// ReasonFlyteCertificateWrongName: that certificate is for another host name than the endpoint's.
	ReasonFlyteCertificateWrongName = "FlyteCertificateWrongName"
	// ReasonFlyteCertificateUntrusted: no trusted CA signed that certificate.
	ReasonFlyteCertificateUntrusted = "FlyteCertificateUntrusted"
	// ReasonFlyteClientCertificateRefused: Flyte does not accept the service's client certificate, or requires one.
	ReasonFlyteClientCertificateRefused = "FlyteClientCertificateRefused"
	// ReasonFlyteTokenRefused: the token endpoint refuses the client's id, secret or scopes.
	ReasonFlyteTokenRefused = "FlyteTokenRefused"
	// ReasonFlyteTokenUnavailable: the token endpoint is unknown or does not answer.
	ReasonFlyteTokenUnavailable = "FlyteTokenUnavailable"
	// ReasonFlyteWrongVersion: another version of Flyte answers than FLYTE_API_VERSION says.
	ReasonFlyteWrongVersion = "FlyteWrongVersion"
	// ReasonFlyteNotFound: something other than Flyte answers at FLYTE_ADMIN_ENDPOINT.
	ReasonFlyteNotFound = "FlyteNotFound"
	// ReasonFlyteDomainUnknown: FLYTE_DOMAINS names a domain that Flyte does not have.
	ReasonFlyteDomainUnknown = "FlyteDomainUnknown"
	// ReasonFlyteRejected: Flyte calls the project invalid. It is retried at growing intervals.
	ReasonFlyteRejected = "FlyteRejected"
	// ReasonQueuesDisabled: the tier has a queue, and QUEUES_ENABLED is not set; the quota refuses what is above it.
	ReasonQueuesDisabled = "QueuesDisabled"
	// ReasonKueueNotInstalled: the tier has a queue, and the cluster does not serve Kueue's API; the quota refuses what is above
	// it. The service goes on by itself once Kueue is installed.
	ReasonKueueNotInstalled = "KueueNotInstalled"
	// ReasonWaitingForKueue: the queue is in place, and Kueue has not reported its state yet.
	ReasonWaitingForKueue = "WaitingForKueue"
	// ReasonWaitingForQuota: the queue is to go, and stays until Kubernetes enforces the ResourceQuotas that bound its pods then.
	ReasonWaitingForQuota = "WaitingForQuota"
	// ReasonKueueNotResponding: Kueue has not reported the state of the queue for two minutes.
	ReasonKueueNotResponding = "KueueNotResponding"
	// ReasonQueueInactive: Kueue says that the queue admits nothing, for a reason that the service does not know. Otherwise the
	// reason is Kueue's own, such as FlavorNotFound.
	ReasonQueueInactive = "QueueInactive"
	// ReasonPurgePaused: too many workspaces were purged within an hour; a person must release the purge, or time must
	// pass.
	ReasonPurgePaused = "PurgePaused"
	// ReasonPurging: the grace period has ended; the namespaces are being deleted.
	ReasonPurging = "Purging"
	// ReasonPurgeStuck: a namespace has been terminating for more than ten minutes.
	ReasonPurgeStuck = "PurgeStuck"
	// ReasonLimitExceeded: MAX_WORKSPACES older workspaces exist, or they have too many members; nothing is provisioned
	// for this one.
	ReasonLimitExceeded = "LimitExceeded"
)

// QueueReasons are the reasons that Kueue itself gives for a queue that admits nothing. A person must act on each.
func QueueReasons() []string {
	return []string{
		"AdmissionCheckInactive", "AdmissionCheckNotFound", "ClusterQueueDoesNotExist", "ClusterQueueIsInactive", "FlavorNotFound",
		"MultiKueueAdmissionCheckAppliedPerFlavor", "MultiKueueWithProvisioningRequest", "MultipleMultiKueueAdmissionChecks",
		"Stopped", "TopologyNotFound",
	}
}

// RequiresAction reports whether a condition that is False for this reason stays so until a person acts. All other reasons pass
// by themselves.
func RequiresAction(reason string) bool {
	switch reason {
	case ReasonAwaitingContent, ReasonInvalid, ReasonConflict, ReasonLimitExceeded, ReasonContested, ReasonForbidden, ReasonRejected,
		ReasonTierNotFound, ReasonTierNotAllowed, ReasonTierInvalid, ReasonPullSecretNotFound, ReasonKindNotInstalled, ReasonLabelNotFound,
		ReasonPurgeStuck, ReasonNotEnforced,
		ReasonFlyteUnauthorized, ReasonFlyteCertificateExpired, ReasonFlyteCertificateWrongName, ReasonFlyteCertificateUntrusted,
		ReasonFlyteClientCertificateRefused, ReasonFlyteTokenRefused, ReasonFlyteWrongVersion, ReasonFlyteNotFound,
		ReasonFlyteDomainUnknown, ReasonFlyteRejected,
		ReasonQueuesDisabled, ReasonKueueNotInstalled, ReasonKueueNotResponding, ReasonQueueInactive:
		return true
	}
	return slices.Contains(QueueReasons(), reason)
}

// EventRepaired is the reason of the Event of a Workspace that an object of it was restored. The object is the Event's related one.
const EventRepaired = "Repaired"
