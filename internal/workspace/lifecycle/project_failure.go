package lifecycle

import (
	"errors"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// flyteFailure is what is said of errors of one kind. Messages are fixed: what varies would make the status flap.
type flyteFailure struct {
	kind            error
	reason, message string
}

// flyteFailures are the failures that concern all projects, the finer kinds before those that they are of too.
func flyteFailures() []flyteFailure {
	const theirs = "the certificate of Flyte, or of the token endpoint, "
	return []flyteFailure{
		{flyte.ErrWrongVersion, v1alpha1.ReasonFlyteWrongVersion, "another version of Flyte answers than FLYTE_API_VERSION says"},
		{flyte.ErrCertificateExpired, v1alpha1.ReasonFlyteCertificateExpired, theirs + "is not valid now"},
		{flyte.ErrCertificateName, v1alpha1.ReasonFlyteCertificateWrongName, theirs + "is for another name"},
		{flyte.ErrCertificateUntrusted, v1alpha1.ReasonFlyteCertificateUntrusted, theirs + "is of no authority that is trusted"},
		{
			flyte.ErrClientCertificate, v1alpha1.ReasonFlyteClientCertificateRefused,
			"Flyte wants a client certificate, and does not accept what it was shown",
		},
		{flyte.ErrTokenRefused, v1alpha1.ReasonFlyteTokenRefused, "the token endpoint does not accept the client's id or secret"},
		{flyte.ErrTokenUnavailable, v1alpha1.ReasonFlyteTokenUnavailable, "no token endpoint is known, or it does not answer; it is asked again"},
		{
			flyte.ErrNotFlyte, v1alpha1.ReasonFlyteNotFound,
			"what answers at FLYTE_ADMIN_ENDPOINT is no Flyte, but a web server or a proxy without a route to it",
		},
		{flyte.ErrUnauthorized, v1alpha1.ReasonFlyteUnauthorized, "Flyte refuses the service's credentials"},
	}
}

// Rejections are asked again soon, and then ever later: what Flyte calls invalid may be a fault of Flyte that passes. The delays of
// waitFor are up to twice as long, which is less than the time after which a Backoff forgets.
const (
	firstRejectionRetry = 3 * time.Second
	lastRejectionRetry  = 5 * time.Minute
)

func (c *Controller) projectFailed(id string, err error) outcome {
	const condition = v1alpha1.ConditionFlyteProjectRegistered
	switch {
	case errors.Is(err, flyte.ErrConflict):
		return waitFor(condition, v1alpha1.ReasonConflict, bounded(err.Error()), lookAgain)
	case errors.Is(err, flyte.ErrUnknownDomain):
		return waitFor(condition, v1alpha1.ReasonFlyteDomainUnknown, bounded("FLYTE_DOMAINS differs from Flyte: "+err.Error()), c.rejected(id))
	case errors.Is(err, flyte.ErrInvalid):
		return waitFor(condition, v1alpha1.ReasonFlyteRejected, bounded(err.Error()), c.rejected(id))
	}
	for _, failure := range flyteFailures() {
		if errors.Is(err, failure.kind) {
			return waitFor(condition, failure.reason, failure.message, flyteRetry)
		}
	}
	return waitFor(condition, v1alpha1.ReasonFlyteUnavailable, "Flyte did not answer; it is asked again", flyteRetry)
}

// rejected counts one more rejection, and is how long to wait after it.
func (c *Controller) rejected(id string) time.Duration {
	c.rejections.Next(id, c.rejections.Clock.Now())
	return c.rejections.Get(id)
}
