package desired

import (
	"maps"
	"strings"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// adopt is the value of AnnotationAdoptProject that lets the workspace adopt a project.
const adopt = "true"

// Flyte is the configuration of Flyte that the projects of all workspaces depend on.
type Flyte struct {
	// Server identifies the Flyte that has the projects.
	Server v1alpha1.FlyteServer
	// Domains are Flyte's, in which projects get attributes; none where Flyte has no attributes.
	Domains []string
	// PerDomain says that each domain has a namespace, and so a quota, of its own.
	PerDomain bool
}

// Project is the workspace's project. Without a tier, it leaves the project's attributes as they are.
func (f *Flyte) Project(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) flyte.Project {
	labels := map[string]string{v1alpha1.LabelWorkspace: w.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	maps.Copy(labels, plain(w.Spec.Labels))
	want := flyte.Project{
		ID:          w.Name,
		Name:        f.fit(w.Spec.DisplayName, flyte.MaxNameBytes),
		Description: f.fit(w.Spec.Description, flyte.MaxDescriptionBytes),
		Labels:      labels,
		Archived:    w.Spec.State != v1alpha1.StateActive,
		// A workspace that was deleted before it was provisioned needs no project.
		OnlyExisting: w.Spec.State == v1alpha1.StateDeleted,
		Ours:         f.HasProject(w) || w.Annotations[v1alpha1.AnnotationAdoptProject] == adopt,
	}
	if tier == nil || len(f.Domains) == 0 {
		return want
	}
	want.Attributes = f.attributes(w, tier)
	if w.Status.ProjectFlyte != nil && !f.HasProject(w) {
		return want // the kinds were given to a project in another Flyte
	}
	for _, kind := range w.Status.FlyteAttributes {
		want.OwnedKinds = append(want.OwnedKinds, flyte.Kind(kind))
	}
	return want
}

// HasProject reports whether the workspace's project was registered in this Flyte.
func (f *Flyte) HasProject(w *v1alpha1.Workspace) bool {
	return w.Status.ProjectFlyte != nil && *w.Status.ProjectFlyte == f.Server
}

// fit truncates a text to what Flyte 1 accepts, which counts bytes where people count characters. Flyte 2 has no limits.
func (f *Flyte) fit(text v1alpha1.Text, maxBytes int) string {
	if f.Server.APIVersion == string(flyte.V2) || len(text) <= maxBytes {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:maxBytes]), "")
}
