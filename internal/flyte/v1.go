package flyte

import (
	"context"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
)

// v1 is FlyteAdmin of Flyte 1, flyteidl.service.AdminService.
type v1 struct {
	conn  grpc.ClientConnInterface
	admin service.AdminServiceClient
}

func (v v1) get(ctx context.Context, id string) (*admin.Project, error) {
	return v.admin.GetProject(ctx, &admin.ProjectGetRequest{Id: id})
}

func (v v1) page(ctx context.Context, token string, each func(*admin.Project)) (*entries, error) {
	request := &admin.ProjectListRequest{
		Limit: pageSize, Token: token, Filters: anyState, SortBy: &admin.Sort{Key: byID, Direction: admin.Sort_ASCENDING},
	}
	answer := &entries{most: pageSize, each: decoded(each)}
	return answer, list(ctx, v.conn, service.AdminService_ListProjects_FullMethodName, request, answer,
		grpc.MaxCallRecvMsgSize(maxPageBytes))
}

func (v v1) create(ctx context.Context, project *admin.Project) error {
	_, err := v.admin.RegisterProject(ctx, &admin.ProjectRegisterRequest{Project: project})
	return err
}

func (v v1) update(ctx context.Context, project *admin.Project) error {
	_, err := v.admin.UpdateProject(ctx, project)
	return err
}

// version needs no rights beyond reaching FlyteAdmin.
func (v v1) version(ctx context.Context) (string, error) {
	answer, err := v.admin.GetVersion(ctx, &admin.GetVersionRequest{})
	return answer.GetControlPlaneVersion().GetVersion(), err
}

func (v v1) domains(ctx context.Context) (ids []string, err error) {
	answer, err := v.admin.GetDomains(ctx, &admin.GetDomainRequest{})
	for _, domain := range answer.GetDomains() {
		ids = append(ids, domain.GetId())
	}
	return ids, err
}

// clearsText is false: gorm's Updates writes no zero values (flyteadmin/pkg/repositories/gormimpl/project_repo.go).
func (v1) clearsText() bool { return false }
