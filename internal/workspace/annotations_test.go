package workspace

import (
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// A record of which only a part can be decoded must not count as that part.
func TestReadAnnotation_IsEmptyUnlessAllIsValid(t *testing.T) {
	for _, text := range []string{"", "x", `{"content":{"version":7,"value":"1:a"},"state":1}`} {
		w := New("ws-1")
		w.Annotations = map[string]string{v1alpha1.AnnotationAccepted: text}
		if got := readAnnotation[accepted](w, v1alpha1.AnnotationAccepted); got != (accepted{}) {
			t.Errorf("%s: read %+v", text, got)
		}
	}
}
