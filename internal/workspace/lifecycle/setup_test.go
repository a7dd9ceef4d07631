package lifecycle

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestWishChanged(t *testing.T) {
	t.Parallel()
	before := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{UID: "a", Generation: 1, ResourceVersion: "1"}}
	for name, test := range map[string]struct {
		after metav1.ObjectMeta
		want  bool
	}{
		"only status or metadata": {metav1.ObjectMeta{UID: "a", Generation: 1, ResourceVersion: "2"}, false},
		"another spec":            {metav1.ObjectMeta{UID: "a", Generation: 2, ResourceVersion: "2"}, true},
		"deleted and made again":  {metav1.ObjectMeta{UID: "b", Generation: 1, ResourceVersion: "2"}, true},
	} {
		if got := wishChanged(before, &v1alpha1.Workspace{ObjectMeta: test.after}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
