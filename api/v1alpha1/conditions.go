package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The conditions of a Workspace. Ready is derived from the others; docs/operations.md says what to do about each
// reason.
const (
	ConditionNamespaceReady         = "NamespaceReady"
	ConditionQuotaApplied           = "QuotaApplied"
	ConditionAccessGranted          = "AccessGranted"
	ConditionNetworkIsolated        = "NetworkIsolated"
	ConditionFlyteProjectRegistered = "FlyteProjectRegistered"
	ConditionReady                  = "Ready"
)

// The conditions of a Workspace that speak of the workspace service. Ready does not depend on them.
const (
	// ConditionReported: the workspace service has taken the newest report.
	ConditionReported = "Reported"
	// ConditionOrphaned: the workspace service does not list the workspace. It is there only while that is so.
	ConditionOrphaned = "Orphaned"
)

// StepConditions are the conditions that Ready is derived from, in the order in which a person should read them.
func StepConditions() []string {
	return []string{
		ConditionNamespaceReady, ConditionQuotaApplied, ConditionAccessGranted,
		ConditionNetworkIsolated, ConditionFlyteProjectRegistered,
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
	// ReasonApplied: it is there as it was asked for.
	ReasonApplied = "Applied"
	// ReasonReady: everything is there.
	ReasonReady = "Ready"
	// ReasonQuotaClamped: the tier's maximum is below what the workspace asks for; the maximum holds.
	ReasonQuotaClamped = "QuotaClamped"
	// ReasonDomainIgnored: the tier has quotas of Flyte domains that no namespace is of; they hold nowhere.
	ReasonDomainIgnored = "DomainIgnored"
	// ReasonAccessReduced: the workspace is suspended or deleted; members may only look.
	ReasonAccessReduced = "AccessReduced"
	// ReasonArchived: the workspace is suspended or deleted, and its Flyte project is archived.
	ReasonArchived = "Archived"
)

// Reasons of the conditions that speak of the workspace service.
const (
	// ReasonReported: the workspace service has taken the report.
	ReasonReported = "Reported"
	// ReasonReportRefused: the workspace service refuses the report, and would refuse it again.
	ReasonReportRefused = "ReportRefused"
	// ReasonNotListed: a complete listing of the workspace service lacks the workspace. It is never deleted for that.
	ReasonNotListed = "NotListed"
)

// Reasons of conditions that are False.
const (
	// ReasonAwaitingContent: only the state of the workspace has arrived; nothing new is made until its content does. What
	// exists is enforced, here and with the reasons Invalid, TierNotFound and TierNotAllowed.
	ReasonAwaitingContent = "AwaitingContent"
	// ReasonInvalid: the spec breaks a rule that the edge would have refused it for. No retry can fix it.
	ReasonInvalid = "Invalid"
	// ReasonConflict: a namespace or project of that name exists and is not ours. It is never touched.
	ReasonConflict = "Conflict"
	// ReasonTierNotFound: the WorkspaceTier does not exist.
	ReasonTierNotFound = "TierNotFound"
	// ReasonTierNotAllowed: the WorkspaceTier does not allow this workspace.
	ReasonTierNotAllowed = "TierNotAllowed"
	// ReasonTierInvalid: the tier wants something that can't be in this cluster; the rest of it holds.
	ReasonTierInvalid = "TierInvalid"
	// ReasonWaitingForNamespace: the step needs the namespaces, which are not there yet.
	ReasonWaitingForNamespace = "WaitingForNamespace"
	// ReasonNamespaceTerminating: a namespace is being deleted; it is made anew when that has ended.
	ReasonNamespaceTerminating = "NamespaceTerminating"
	// ReasonObjectTerminating: an object in a namespace is being deleted, and somebody's finalizer keeps it.
	ReasonObjectTerminating = "ObjectTerminating"
	// ReasonContested: somebody else keeps changing an object, perhaps while it is written; it is repaired now and then.
	ReasonContested = "Contested"
	// ReasonPullSecretNotFound: a pull secret that the tier names can't be copied; everything else is done.
	ReasonPullSecretNotFound = "PullSecretNotFound"
	// ReasonForbidden: the API server refuses it to the service's own account.
	ReasonForbidden = "Forbidden"
	// ReasonRejected: the API server, or an admission webhook or policy of the cluster, refuses the object.
	ReasonRejected = "Rejected"
	// ReasonKubernetesUnavailable: the API server does not answer, or answers with an error; the request is retried.
	ReasonKubernetesUnavailable = "KubernetesUnavailable"
	// ReasonFlyteUnavailable: Flyte did not answer; it is tried again.
	ReasonFlyteUnavailable = "FlyteUnavailable"
	// ReasonFlyteUnauthorized: Flyte refuses the service's credentials.
	ReasonFlyteUnauthorized = "FlyteUnauthorized"
	// ReasonFlyteCertificateExpired: the certificate of Flyte, or of the token endpoint, is not valid now.
	ReasonFlyteCertificateExpired = "FlyteCertificateExpired"
	// ReasonFlyteCertificateWrongName: it is for another name than that of the endpoint.
	ReasonFlyteCertificateWrongName = "FlyteCertificateWrongName"
	// ReasonFlyteCertificateUntrusted: no CA that is trusted stands behind it.
	ReasonFlyteCertificateUntrusted = "FlyteCertificateUntrusted"
	// ReasonFlyteClientCertificateRefused: Flyte does not accept the service's certificate, or wants one.
	ReasonFlyteClientCertificateRefused = "FlyteClientCertificateRefused"
	// ReasonFlyteTokenRefused: the token endpoint does not accept the client's id or secret.
	ReasonFlyteTokenRefused = "FlyteTokenRefused"
	// ReasonFlyteTokenUnavailable: the token endpoint is not known, or does not answer.
	ReasonFlyteTokenUnavailable = "FlyteTokenUnavailable"
	// ReasonFlyteWrongVersion: another version of Flyte answers than FLYTE_API_VERSION says.
	ReasonFlyteWrongVersion = "FlyteWrongVersion"
	// ReasonFlyteNotFound: what answers at FLYTE_ADMIN_ENDPOINT is no Flyte.
	ReasonFlyteNotFound = "FlyteNotFound"
	// ReasonFlyteDomainUnknown: FLYTE_DOMAINS names a domain that Flyte does not have.
	ReasonFlyteDomainUnknown = "FlyteDomainUnknown"
	// ReasonFlyteRejected: Flyte calls the project invalid. It is sent again at growing intervals.
	ReasonFlyteRejected = "FlyteRejected"
	// ReasonSuspended: the workspace is suspended.
	ReasonSuspended = "Suspended"
	// ReasonDeleted: the workspace is deleted.
	ReasonDeleted = "Deleted"
	// ReasonPurgePaused: so many namespaces were removed lately that a person should look before it goes on.
	ReasonPurgePaused = "PurgePaused"
	// ReasonPurging: the grace period has ended, and the namespaces are being removed.
	ReasonPurging = "Purging"
	// ReasonPurgeStuck: a namespace that is being removed has been terminating for long.
	ReasonPurgeStuck = "PurgeStuck"
	// ReasonPurged: the namespaces were removed.
	ReasonPurged = "Purged"
	// ReasonLimitExceeded: there are MAX_WORKSPACES older ones; nothing is provisioned of this one.
	ReasonLimitExceeded = "LimitExceeded"
)
