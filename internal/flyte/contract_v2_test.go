package flyte_test

import (
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
)

// serverContractV2 is the behavior of Flyte 2 that the client relies on.
func serverContractV2(t *testing.T, f flyteServer) {
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
	t.Run("ReturnsNotFound", func(t *testing.T) {
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
