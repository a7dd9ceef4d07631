package flyte_test

import (
	"slices"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// serverContractV2 is what the client relies on of Flyte 2.
func serverContractV2(t *testing.T, f flyteAdmin) {
	t.Helper()
	ctx := t.Context()
	t.Run("CreatesAndKeepsState", func(t *testing.T) {
		for _, state := range []admin.Project_ProjectState{admin.Project_ACTIVE, admin.Project_ARCHIVED} {
			project := &admin.Project{
				Id: f.newID(t), Name: "Fraud", Description: "Cards", Labels: labels(ownerLabel, "ws-1"), State: state,
			}
			f.register(t, project)
			f.wantProject(t, project)
			wantCode(t, codes.AlreadyExists, f.raw.register(ctx, project))
		}
	})
	t.Run("AnswersNotFound", func(t *testing.T) {
		_, err := f.raw.get(ctx, f.newID(t))
		wantCode(t, codes.NotFound, err)
		wantCode(t, codes.NotFound, f.raw.update(ctx, &admin.Project{Id: f.newID(t), Name: "n"}))
	})
	t.Run("RefusesNoID", func(t *testing.T) {
		_, err := f.raw.get(ctx, "")
		wantCode(t, codes.InvalidArgument, err)
		wantCode(t, codes.InvalidArgument, f.raw.register(ctx, &admin.Project{Name: "n"}))
		wantCode(t, codes.InvalidArgument, f.raw.update(ctx, &admin.Project{Name: "n"}))
	})
	t.Run("UpdateWritesEverything", func(t *testing.T) {
		full := &admin.Project{
			Id: f.newID(t), Name: "n", Description: "d", Labels: labels("a", "1"), State: admin.Project_ARCHIVED,
		}
		f.register(t, full)
		f.update(t, &admin.Project{Id: full.GetId(), Name: "other"})
		f.wantProject(t, &admin.Project{Id: full.GetId(), Name: "other"})
	})
}

// listingContractV2 lists only as the client does: by identifier, with a filter, so that archived projects are there.
func listingContractV2(t *testing.T, f flyteAdmin) {
	t.Helper()
	active, archived := f.newID(t), f.newID(t)
	f.register(t, &admin.Project{Id: active, Name: "n"})
	f.register(t, &admin.Project{Id: archived, Name: "n", State: admin.Project_ARCHIVED})
	t.Run("FindsArchivedWithFilter", func(t *testing.T) {
		all := f.listV2(t, "ne(project.identifier,-)")
		if !slices.Contains(all, active) || !slices.Contains(all, archived) {
			t.Errorf("listing has the active project: %v, the archived one: %v", slices.Contains(all, active), slices.Contains(all, archived))
		}
		if diff := cmp.Diff(sorted(all...), all); diff != "" {
			t.Errorf("not sorted, or not once (-want +got):\n%s", diff)
		}
	})
	t.Run("HidesArchivedWithoutFilter", func(t *testing.T) {
		all := f.listV2(t, "")
		if !slices.Contains(all, active) || slices.Contains(all, archived) {
			t.Errorf("listing has the active project: %v, the archived one: %v", slices.Contains(all, active), slices.Contains(all, archived))
		}
	})
	t.Run("RefusesLargePages", func(t *testing.T) {
		_, err := f.v2.ListProjects(t.Context(), &flyteidl2.ListProjectsRequest{Limit: 201})
		wantCode(t, codes.InvalidArgument, err)
	})
}

// listV2 reads small pages, to the last.
func (f flyteAdmin) listV2(t *testing.T, filters string) (ids []string) {
	t.Helper()
	request := &flyteidl2.ListProjectsRequest{
		Limit: 2, Filters: filters, SortBy: &flyteidl2.Sort{Key: "identifier", Direction: flyteidl2.Sort_ASCENDING},
	}
	for {
		answer, err := f.v2.ListProjects(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, project := range answer.GetProjects().GetProjects() {
			ids = append(ids, project.GetId())
		}
		request.Token = answer.GetProjects().GetToken()
		if request.GetToken() == "" {
			return ids
		}
	}
}
