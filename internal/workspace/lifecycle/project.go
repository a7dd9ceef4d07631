package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
	if _, changed := c.changed.Load(w.Name); missing.done && !changed && isSettled(w, want) {
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
		w.Status.ProjectID = w.Name
	}
	w.Status.ProjectDigest = digestOf(want)
	if want.Attributes == nil || want.Archived {
		return
	}
	w.Status.FlyteAttributes = nil
	for _, kind := range kindsOf(want.Attributes) {
		w.Status.FlyteAttributes = append(w.Status.FlyteAttributes, string(kind))
	}
}

// digestOf is the fingerprint of what Flyte is told. Whose the project is, and was, makes no difference to it.
func digestOf(want flyte.Project) string {
	want.Ours, want.OwnedKinds = false, nil
	text, err := json.Marshal(want)
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:digestLength])
}

func isCurrent(known *metav1.Condition, w *v1alpha1.Workspace) bool {
	return known != nil && known.Status == metav1.ConditionTrue && known.ObservedGeneration == w.Generation
}

// projectOf is what the workspace wants of Flyte. Flyte counts bytes where people count characters. Without a tier nothing is
// known of attributes, and they are left alone.
func (c *Controller) projectOf(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) flyte.Project {
	labels := map[string]string{v1alpha1.LabelWorkspace: w.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	for key, value := range w.Spec.Labels {
		labels[key] = string(value)
	}
	want := flyte.Project{
		ID:          w.Name,
		Name:        shorten(string(w.Spec.DisplayName), flyte.MaxNameBytes),
		Description: shorten(string(w.Spec.Description), flyte.MaxDescriptionBytes),
		Labels:      labels,
		Archived:    w.Spec.State != v1alpha1.StateActive,
		// What was deleted before it was ever provisioned needs no project now.
		OnlyExisting: w.Spec.State == v1alpha1.StateDeleted,
		Ours:         w.Status.ProjectID == w.Name || w.Annotations[v1alpha1.AnnotationAdoptProject] == adopt,
	}
	if tier == nil || len(c.Domains) == 0 {
		return want
	}
	want.Attributes = c.attributesOf(w, tier)
	for _, kind := range w.Status.FlyteAttributes {
		want.OwnedKinds = append(want.OwnedKinds, flyte.Kind(kind))
	}
	return want
}
