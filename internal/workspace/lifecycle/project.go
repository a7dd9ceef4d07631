package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// hashLength is enough bytes of SHA-256 that no two projects collide by chance.
const hashLength = 18

// project registers the workspace's project with Flyte, and archives it while the workspace is not Active. A new one
// waits for the namespaces: Flyte would start its pods in a namespace of that name, no matter who owns it. Nothing is sent that
// was sent last time, unless the listing has found a change in Flyte.
func (c *Controller) project(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionFlyteProjectRegistered
	w := t.workspace
	want := c.Flyte.Project(w, t.tier)
	missing := t.missing(condition)
	if _, changed := c.changedProjects.Load(w.Name); missing.done && !changed && c.isSent(w, want) {
		known := meta.FindStatusCondition(w.Status.Conditions, condition)
		c.recordProjectURL(w)
		return done(condition, known.Reason, known.Message)
	}
	if !missing.done && w.Spec.State == v1alpha1.StateActive {
		return missing
	}
	want.OnlyExisting = want.OnlyExisting || !missing.done
	if err := c.sendProject(ctx, w, want); err != nil {
		return c.projectFailed(w.Name, err)
	}
	return missing.or(projectRegistered(w))
}

// sendProject makes the project in Flyte as wanted, and records in the status what Flyte has now.
func (c *Controller) sendProject(ctx context.Context, w *v1alpha1.Workspace, want flyte.Project) error {
	if err := c.ensureProject(ctx, want); err != nil {
		c.recordConflict(w, err)
		return err
	}
	c.rejections.Reset(w.Name)
	c.changedProjects.Delete(w.Name)
	c.recordSentProject(w, want)
	c.recordProjectURL(w)
	return nil
}

func projectRegistered(w *v1alpha1.Workspace) outcome {
	const condition = v1alpha1.ConditionFlyteProjectRegistered
	if w.Spec.State != v1alpha1.StateActive {
		return done(condition, v1alpha1.ReasonArchived, "the project accepts no new executions")
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// recordProjectURL writes into the status where people find the project, if there ever was one.
func (c *Controller) recordProjectURL(w *v1alpha1.Workspace) {
	known := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionFlyteProjectRegistered)
	registered := isCurrent(known, w) && known.Reason == v1alpha1.ReasonApplied
	if registered || w.Status.ProjectID != "" {
		w.Status.ProjectID, w.Status.ConsoleURL = w.Name, c.ConsoleURL(w.Name)
	}
}

// recordSentProject writes into the status what was sent to Flyte. A project that is archived now keeps its attributes.
func (c *Controller) recordSentProject(w *v1alpha1.Workspace, want flyte.Project) {
	if !want.OnlyExisting {
		w.Status.ProjectID, w.Status.ProjectFlyte = w.Name, new(c.Flyte.Server)
	}
	w.Status.ProjectDigest = c.projectHash(want)
	if want.Attributes == nil || want.Archived {
		return
	}
	w.Status.FlyteAttributes = nil
	for _, kind := range want.AttributeKinds() {
		w.Status.FlyteAttributes = append(w.Status.FlyteAttributes, string(kind))
	}
}

// recordConflict removes the project from the status if Flyte has one of another owner: the workspace's own is in another Flyte,
// which ProjectFlyte still names.
func (c *Controller) recordConflict(w *v1alpha1.Workspace, err error) {
	if errors.Is(err, flyte.ErrConflict) && !c.Flyte.HasProject(w) {
		w.Status.ProjectID, w.Status.ConsoleURL = "", ""
	}
}

// projectHash is the hash of what Flyte is sent, and of which Flyte that is: another one is sent everything again. The owner of the
// project is not part of it.
func (c *Controller) projectHash(want flyte.Project) string {
	want.Ours, want.OwnedKinds = false, nil
	text, err := json.Marshal(struct {
		Flyte   v1alpha1.FlyteServer
		Project flyte.Project
	}{c.Flyte.Server, want})
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:hashLength])
}

func isCurrent(known *metav1.Condition, w *v1alpha1.Workspace) bool {
	return known != nil && known.Status == metav1.ConditionTrue && known.ObservedGeneration == w.Generation
}

// flyteFailure is the reason and message for errors of one kind. Messages are fixed: what varies would make the status flap.
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
		{flyte.ErrTokenUnavailable, v1alpha1.ReasonFlyteTokenUnavailable, "no token endpoint is known, or it does not answer; retried"},
		{
			flyte.ErrNotFlyte, v1alpha1.ReasonFlyteNotFound,
			"what answers at FLYTE_ADMIN_ENDPOINT is no Flyte, but a web server or a proxy without a route to it",
		},
		{flyte.ErrUnauthorized, v1alpha1.ReasonFlyteUnauthorized, "Flyte rejects the service's credentials"},
	}
}

const (
	// flyteRetry is when a Flyte that did not answer is called again, spread up to its double.
	flyteRetry = 3 * time.Second
	// A rejected project is sent again at growing intervals: what Flyte calls invalid may be a fault of Flyte that passes. The delays of
	// waitFor are up to twice as long, which is less than the time after which a Backoff forgets.
	firstRejectionRetry = 3 * time.Second
	lastRejectionRetry  = 5 * time.Minute
)

func (c *Controller) projectFailed(id string, err error) outcome {
	const condition = v1alpha1.ConditionFlyteProjectRegistered
	switch {
	case errors.Is(err, flyte.ErrConflict):
		return waitFor(condition, v1alpha1.ReasonConflict, bounded(err.Error()), recheckInterval)
	case errors.Is(err, flyte.ErrUnknownDomain):
		message := bounded("FLYTE_DOMAINS differs from Flyte: " + err.Error())
		return waitFor(condition, v1alpha1.ReasonFlyteDomainUnknown, message, c.rejectionDelay(id))
	case errors.Is(err, flyte.ErrInvalid):
		return waitFor(condition, v1alpha1.ReasonFlyteRejected, bounded(err.Error()), c.rejectionDelay(id))
	}
	for _, failure := range flyteFailures() {
		if errors.Is(err, failure.kind) {
			return waitFor(condition, failure.reason, failure.message, flyteRetry)
		}
	}
	return waitFor(condition, v1alpha1.ReasonFlyteUnavailable, "Flyte did not answer; it is called again", flyteRetry)
}

// rejectionDelay counts one more rejection, and is how long to wait after it.
func (c *Controller) rejectionDelay(id string) time.Duration {
	c.rejections.Next(id, c.rejections.Clock.Now())
	return c.rejections.Get(id)
}
