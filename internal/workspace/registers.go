package workspace

import (
	"cmp"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Outcome is the result of recording an event.
type Outcome string

// The outcomes.
const (
	// OutcomeAccepted: the event raised a register, and the Workspace must be stored.
	OutcomeAccepted Outcome = "accepted"
	// OutcomeDuplicate: the same delivery was accepted before.
	OutcomeDuplicate Outcome = "duplicate"
	// OutcomeStale: the event raises neither register, and changes nothing.
	OutcomeStale Outcome = "stale"
)

// New returns the Workspace of this id before its first event.
func New(id string) *v1alpha1.Workspace {
	return &v1alpha1.Workspace{
		ObjectMeta: metav1.ObjectMeta{Name: id},
		Spec:       v1alpha1.WorkspaceSpec{Tier: v1alpha1.DefaultTier, State: v1alpha1.StateActive},
	}
}

// Record merges an event and its delivery into w, in memory: the caller stores them in one write. The result depends on which
// events were recorded, never on their order, since each register keeps its highest version. Only OutcomeAccepted has changed
// w. A delivery id with another body is a KindConflict error, and so is a [VersionConflict].
func Record(w *v1alpha1.Workspace, e Event, d Delivery) (Outcome, error) {
	seen := readAnnotation[deliveries](w, v1alpha1.AnnotationDeliveries)
	if repeated, err := seen.contains(d); err != nil || repeated {
		return OutcomeDuplicate, err
	}
	if err := VersionConflict(w, e); err != nil {
		return "", err
	}
	content, state := RaisesContent(w, e), raisesState(w, e)
	if !content && !state {
		return OutcomeStale, nil
	}
	record := readAnnotation[accepted](w, v1alpha1.AnnotationAccepted)
	if content {
		setContent(&w.Spec, e.Data)
		record.Content = acceptedValue{Version: e.Data.Version, Value: contentHash(e.Data)}
	}
	if state {
		w.Spec.State, w.Spec.StateVersion = e.Type.state(), e.Data.Version
		record.State = acceptedValue{Version: e.Data.Version, Value: string(e.Type.state())}
	}
	return OutcomeAccepted, errors.Join(
		writeAnnotation(w, v1alpha1.AnnotationAccepted, record),
		writeAnnotation(w, v1alpha1.AnnotationDeliveries, seen.with(d)))
}

// RaisesContent reports whether recording e would replace the content of w.
func RaisesContent(w *v1alpha1.Workspace, e Event) bool {
	return e.Type.HasContent() && (IsNew(w) || e.Data.Version > w.Spec.Version)
}

// IsNew reports whether w was never stored.
func IsNew(w *v1alpha1.Workspace) bool { return w.ResourceVersion == "" }

func setContent(s *v1alpha1.WorkspaceSpec, d Data) {
	s.Version = d.Version
	s.DisplayName = v1alpha1.Text(d.Name)
	s.Description = v1alpha1.Text(d.Description)
	s.Owner = v1alpha1.Text(d.Owner)
	s.Tier = cmp.Or(d.Tier, v1alpha1.DefaultTier)
	s.Quota = d.Quota
	s.Members = d.Members
	s.Labels = convert[v1alpha1.LabelValue](d.Labels)
}

// convert returns the labels with values of another type; nil if there are none.
func convert[To, From ~string](labels map[string]From) (converted map[string]To) {
	if len(labels) > 0 {
		converted = make(map[string]To, len(labels))
	}
	for key, value := range labels {
		converted[key] = To(value)
	}
	return converted
}
