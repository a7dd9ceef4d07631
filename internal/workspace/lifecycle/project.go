package lifecycle

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// flyteRetry is when a Flyte that did not answer is asked again, spread up to its double.
const flyteRetry = 3 * time.Second

// project registers the workspace's project with Flyte, and archives it while the workspace is locked. A new one
// waits for the namespaces: Flyte would start its pods in a namespace of that name, whosever it is. A project that is
// as this generation of the Workspace wants it is not asked for again: Flyte has no watch.
func (c *Controller) project(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionFlyteProjectRegistered
	w := t.workspace
	if known := meta.FindStatusCondition(w.Status.Conditions, condition); isCurrent(known, w) {
		c.noteProject(w)
		return done(condition, known.Reason, known.Message)
	}
	missing := t.missing(condition)
	if !missing.done && w.Spec.State == v1alpha1.StateActive {
		return missing
	}
	want := projectOf(w)
	if !missing.done {
		want.OnlyExisting = true
	}
	if err := c.ensure(ctx, want); err != nil {
		return projectFailed(err)
	}
	if !want.OnlyExisting {
		w.Status.ProjectID = w.Name
	}
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
	if w.Status.ProjectID != "" {
		w.Status.ConsoleURL = c.ConsoleURL(w.Name)
	}
}

func isCurrent(known *metav1.Condition, w *v1alpha1.Workspace) bool {
	return known != nil && known.Status == metav1.ConditionTrue && known.ObservedGeneration == w.Generation
}

// projectOf is what the workspace wants of Flyte. Flyte counts bytes where people count characters.
func projectOf(w *v1alpha1.Workspace) flyte.Project {
	labels := map[string]string{v1alpha1.LabelWorkspace: w.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	for key, value := range w.Spec.Labels {
		labels[key] = string(value)
	}
	return flyte.Project{
		ID:          w.Name,
		Name:        shorten(string(w.Spec.DisplayName), flyte.MaxNameBytes),
		Description: shorten(string(w.Spec.Description), flyte.MaxDescriptionBytes),
		Labels:      labels,
		Archived:    w.Spec.State != v1alpha1.StateActive,
		// What was deleted before it was ever provisioned needs no project now.
		OnlyExisting: w.Spec.State == v1alpha1.StateDeleted,
	}
}
