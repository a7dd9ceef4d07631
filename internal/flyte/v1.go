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

func (v v1) getProject(ctx context.Context, id string) (*admin.Project, error) {
	return v.admin.GetProject(ctx, &admin.ProjectGetRequest{Id: id})
}

func (v v1) listPage(ctx context.Context, token string, each func(*admin.Project)) (*listResponse, error) {
	request := &admin.ProjectListRequest{
		Limit: pageSize, Token: token, Filters: matchAll, SortBy: &admin.Sort{Key: byID, Direction: admin.Sort_ASCENDING},
	}
	response := &listResponse{maxEntries: pageSize, each: decoding(each)}
	return response, list(ctx, v.conn, service.AdminService_ListProjects_FullMethodName, request, response,
		grpc.MaxCallRecvMsgSize(maxPageBytes))
}

func (v v1) createProject(ctx context.Context, project *admin.Project) error {
	_, err := v.admin.RegisterProject(ctx, &admin.ProjectRegisterRequest{Project: project})
	return err
}

func (v v1) updateProject(ctx context.Context, project *admin.Project) error {
	_, err := v.admin.UpdateProject(ctx, project)
	return err
}

// version needs no permissions.
func (v v1) version(ctx context.Context) (string, error) {
	response, err := v.admin.GetVersion(ctx, &admin.GetVersionRequest{})
	return response.GetControlPlaneVersion().GetVersion(), err
}

func (v v1) domains(ctx context.Context) (ids []string, err error) {
	response, err := v.admin.GetDomains(ctx, &admin.GetDomainRequest{})
	for _, domain := range response.GetDomains() {
		ids = append(ids, domain.GetId())
	}
	return ids, err
}

// clearsText is false: gorm's Updates writes no zero values (flyteadmin/pkg/repositories/gormimpl/project_repo.go).
func (v1) clearsText() bool { return false }
