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

// flyteRetry is when a Flyte that did not answer is asked again, spread up to its double.
const flyteRetry = 3 * time.Second

const (
	// adopt is the value of AnnotationAdoptProject that hands a project over.
	adopt = "true"
	// digestLength is enough bytes of SHA-256 that no two wishes meet by chance.
	digestLength = 18
)

// project registers the workspace's project with Flyte, and archives it while the workspace is locked. A new one
// waits for the namespaces: Flyte would start its pods in a namespace of that name, whosever it is. Flyte is not told again
// what it was told last, unless the listing has found that somebody changed it.
func (c *Controller) project(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionFlyteProjectRegistered
	w := t.workspace
	want := c.projectOf(w, t.tier)
	missing := t.missing(condition)
	if _, changed := c.changed.Load(w.Name); missing.done && !changed && c.isSettled(w, want) {
		known := meta.FindStatusCondition(w.Status.Conditions, condition)
		c.noteProject(w)
		return done(condition, known.Reason, known.Message)
	}
	if !missing.done && w.Spec.State == v1alpha1.StateActive {
		return missing
	}
	if !missing.done {
		want.OnlyExisting = true
	}
	if err := c.ensure(ctx, want); err != nil {
		c.noteConflict(w, err)
		return c.projectFailed(w.Name, err)
	}
	c.rejections.Reset(w.Name)
	c.changed.Delete(w.Name)
	c.noteTold(w, want)
	c.noteProject(w)
	switch {
	case !missing.done:
		return missing
	case w.Spec.State != v1alpha1.StateActive:
		return done(condition, v1alpha1.ReasonArchived, "nothing new starts in it")
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// noteProject writes into the status where people find the project, if there ever was one.
func (c *Controller) noteProject(w *v1alpha1.Workspace) {
	known := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionFlyteProjectRegistered)
	registered := isCurrent(known, w) && known.Reason == v1alpha1.ReasonApplied
	if registered || w.Status.ProjectID != "" {
		w.Status.ProjectID, w.Status.ConsoleURL = w.Name, c.ConsoleURL(w.Name)
	}
}

// noteTold writes into the status what Flyte was told. What a project was given that is archived now, it keeps.
func (c *Controller) noteTold(w *v1alpha1.Workspace, want flyte.Project) {
	if !want.OnlyExisting {
		w.Status.ProjectID, w.Status.ProjectFlyte = w.Name, new(c.Flyte)
	}
	w.Status.ProjectDigest = c.projectHash(want)
	if want.Attributes == nil || want.Archived {
		return
	}
	w.Status.FlyteAttributes = nil
	for _, kind := range kindsOf(want.Attributes) {
		w.Status.FlyteAttributes = append(w.Status.FlyteAttributes, string(kind))
	}
}

// noteConflict takes back that the workspace has a project, where Flyte has one of somebody else: the former is in another Flyte, which
// ProjectFlyte goes on naming.
func (c *Controller) noteConflict(w *v1alpha1.Workspace, err error) {
	if errors.Is(err, flyte.ErrConflict) && !c.isRegisteredHere(w) {
		w.Status.ProjectID, w.Status.ConsoleURL = "", ""
	}
}

// isRegisteredHere is true of a workspace whose project was registered in this Flyte.
func (c *Controller) isRegisteredHere(w *v1alpha1.Workspace) bool {
	return w.Status.ProjectFlyte != nil && *w.Status.ProjectFlyte == c.Flyte
}

// projectHash is the hash of what Flyte is sent, and of which Flyte that is: another one is sent everything again. Whose the project is,
// and was, makes no difference to it.
func (c *Controller) projectHash(want flyte.Project) string {
	want.Ours, want.OwnedKinds = false, nil
	text, err := json.Marshal(struct {
		Flyte   v1alpha1.FlyteServer
		Project flyte.Project
	}{c.Flyte, want})
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:digestLength])
}

func isCurrent(known *metav1.Condition, w *v1alpha1.Workspace) bool {
	return known != nil && known.Status == metav1.ConditionTrue && known.ObservedGeneration == w.Generation
}

// fitted cuts a text to what Flyte 1 accepts, which counts bytes where people count characters. Flyte 2 has no limits.
func (c *Controller) fitted(text v1alpha1.Text, maxBytes int) string {
	if c.Flyte.APIVersion == string(flyte.V2) {
		return string(text)
	}
	return shorten(string(text), maxBytes)
}

// projectOf is what the workspace wants of Flyte. Without a tier nothing is
// known of attributes, and they are left alone.
func (c *Controller) projectOf(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) flyte.Project {
	labels := map[string]string{v1alpha1.LabelWorkspace: w.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	for key, value := range w.Spec.Labels {
		labels[key] = string(value)
	}
	want := flyte.Project{
		ID:          w.Name,
		Name:        c.fitted(w.Spec.DisplayName, flyte.MaxNameBytes),
		Description: c.fitted(w.Spec.Description, flyte.MaxDescriptionBytes),
		Labels:      labels,
		Archived:    w.Spec.State != v1alpha1.StateActive,
		// What was deleted before it was ever provisioned needs no project now.
		OnlyExisting: w.Spec.State == v1alpha1.StateDeleted,
		Ours:         c.isRegisteredHere(w) || w.Annotations[v1alpha1.AnnotationAdoptProject] == adopt,
	}
	if tier == nil || len(c.Domains) == 0 {
		return want
	}
	want.Attributes = c.attributesOf(w, tier)
	if w.Status.ProjectFlyte != nil && !c.isRegisteredHere(w) {
		return want // the kinds were given to a project in another Flyte
	}
	for _, kind := range w.Status.FlyteAttributes {
		want.OwnedKinds = append(want.OwnedKinds, flyte.Kind(kind))
	}
	return want
}
