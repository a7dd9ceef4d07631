package flytetest

import (
	"context"
	"strconv"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Version is the version that GetVersion returns.
const Version = "v1.16.8"

// adminService is the part of FlyteAdmin for projects (flyteadmin/pkg/manager/impl/project_manager.go), their attributes
// (flyteadmin/pkg/manager/impl/resources/resource_manager.go), and executions of single tasks. Every other method is Unimplemented.
type adminService struct {
	service.UnimplementedAdminServiceServer

	projects   *projects
	attributes *attributesTable
	executions *executions
}

// RegisterProject creates the project in the state of the request.
func (s *adminService) RegisterProject(
	_ context.Context, request *admin.ProjectRegisterRequest,
) (*admin.ProjectRegisterResponse, error) {
	if request.GetProject() == nil {
		return nil, missing("project")
	}
	if request.GetProject().GetName() == "" {
		return nil, missing("project_name")
	}
	if err := validateProject(request.GetProject()); err != nil {
		return nil, err
	}
	if err := s.projects.create(Project{ID: request.GetProject().GetId()}.updated(request.GetProject())); err != nil {
		return nil, err
	}
	return &admin.ProjectRegisterResponse{}, nil
}

// UpdateProject reads the project before it validates the request, so an unknown project is NotFound even if the request is invalid.
// Without an id it reads any project, since gorm leaves zero values out of its conditions: that request is InvalidArgument.
func (s *adminService) UpdateProject(_ context.Context, request *admin.Project) (*admin.ProjectUpdateResponse, error) {
	if _, err := s.projects.get(request.GetId()); err != nil && (request.GetId() != "" || s.projects.empty()) {
		return nil, err
	}
	if err := validateProject(request); err != nil {
		return nil, err
	}
	update := func(p Project) Project { return p.updated(request) }
	if err := s.projects.update(request.GetId(), update); err != nil {
		return nil, err
	}
	return &admin.ProjectUpdateResponse{}, nil
}

// GetProject finds archived projects, too.
func (s *adminService) GetProject(_ context.Context, request *admin.ProjectGetRequest) (*admin.Project, error) {
	if request.GetId() == "" {
		return nil, missing("project_id")
	}
	project, err := s.projects.get(request.GetId())
	if err != nil {
		return nil, err
	}
	return project.toProto(), nil
}

// ListProjects pages by offset. A full page has a token, even the last one. A limit of 0 is no limit.
func (s *adminService) ListProjects(_ context.Context, request *admin.ProjectListRequest) (*admin.Projects, error) {
	matches, err := parseFilters(request.GetFilters(), parseFilterV1)
	if err != nil {
		return nil, err
	}
	compare, err := parseSortV1(request.GetSortBy())
	if err != nil {
		return nil, err
	}
	offset, err := parseToken(request.GetToken())
	if err != nil {
		return nil, err
	}
	limit := int(request.GetLimit())
	page, err := s.projects.page(matches, compare, offset, limit)
	if err != nil {
		return nil, err
	}
	response := &admin.Projects{}
	for _, project := range page {
		response.Projects = append(response.Projects, project.toProto())
	}
	if len(response.GetProjects()) == limit {
		response.Token = strconv.Itoa(offset + limit)
	}
	return response, nil
}

// GetDomains returns the domains of a default deployment.
func (*adminService) GetDomains(context.Context, *admin.GetDomainRequest) (*admin.GetDomainsResponse, error) {
	return &admin.GetDomainsResponse{Domains: domains()}, nil
}

// GetVersion returns Version (flyteadmin/pkg/manager/impl/version_manager.go).
func (*adminService) GetVersion(context.Context, *admin.GetVersionRequest) (*admin.GetVersionResponse, error) {
	return &admin.GetVersionResponse{ControlPlaneVersion: &admin.Version{Version: Version}}, nil
}

func domains() []*admin.Domain {
	return []*admin.Domain{
		{Id: "development", Name: "development"},
		{Id: "staging", Name: "staging"},
		{Id: "production", Name: "production"},
	}
}

// parseToken follows flyteadmin/pkg/manager/impl/validation/validation.go.
func parseToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	offset, err := strconv.Atoi(token)
	if err != nil || offset < 0 {
		return 0, status.Errorf(codes.InvalidArgument, "invalid pagination token %s for ListProjects", token)
	}
	return offset, nil
}
