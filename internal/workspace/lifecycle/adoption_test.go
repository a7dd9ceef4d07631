package lifecycle

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestController_ReleasesAndAdopts(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.provisioned("orphan")
	namespace, versions, projects := s.namespace("flyte-orphan"), s.resourceVersions("flyte-orphan"), s.flyte.Projects()
	writes := s.requests.writes()

	must(t, s.admin.Delete(t.Context(), w))
	s.awaitUnknown("orphan")
	s.reconcile("orphan")
	wantAsBefore := func(when string) {
		t.Helper()
		if diff := cmp.Diff(namespace, s.namespace("flyte-orphan")); diff != "" {
			t.Errorf("%s, the namespace (-before +after):\n%s", when, diff)
		}
		if diff := cmp.Diff(versions, s.resourceVersions("flyte-orphan")); diff != "" {
			t.Errorf("%s, its objects (-before +after):\n%s", when, diff)
		}
		if diff := cmp.Diff(projects, s.flyte.Projects()); diff != "" {
			t.Errorf("%s, Flyte's projects (-before +after):\n%s", when, diff)
		}
	}
	wantAsBefore("released")

	s.provisioned("orphan")
	wantAsBefore("adopted")
	want := maps.Clone(writes)
	want["PATCH workspaces/status"]++
	if diff := cmp.Diff(want, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// awaitUnknown waits until the service's cache no longer shows a Workspace.
func (s *stage) awaitUnknown(id string) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		var seen v1alpha1.Workspace
		if err := s.mgr.GetCache().Get(ctx, client.ObjectKey{Name: id}, &seen); err == nil {
			return errors.New("the cache still has the Workspace")
		}
		return nil
	})
}
