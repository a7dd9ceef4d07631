package flytetest

import (
	"context"
	"strconv"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Version is what GetVersion answers.
const Version = "v1.16.8"

// adminService is the part of FlyteAdmin for projects (flyteadmin/pkg/manager/impl/project_manager.go), their attributes
// (flyteadmin/pkg/manager/impl/resources/resource_manager.go), and executions of single tasks. Every other method answers
// Unimplemented.
type adminService struct {
	service.UnimplementedAdminServiceServer

	projects   *projects
	attributes *attributesTable
	executions *executions
}

// RegisterProject validates, then creates; the state of the request is kept.
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
	if err := s.projects.create(Project{ID: request.GetProject().GetId()}.overlaid(request.GetProject())); err != nil {
		return nil, err
	}
	return &admin.ProjectRegisterResponse{}, nil
}

// UpdateProject looks before it validates, so an unknown project is NotFound even where the request is invalid too. Without an id
// the look finds any project (gorm leaves zero values out of its conditions), so that one is InvalidArgument.
func (s *adminService) UpdateProject(_ context.Context, request *admin.Project) (*admin.ProjectUpdateResponse, error) {
	if _, err := s.projects.get(request.GetId()); err != nil && (request.GetId() != "" || s.projects.empty()) {
		return nil, err
	}
	if err := validateProject(request); err != nil {
		return nil, err
	}
	overlay := func(p Project) Project { return p.overlaid(request) }
	if err := s.projects.update(request.GetId(), overlay); err != nil {
		return nil, err
	}
	return &admin.ProjectUpdateResponse{}, nil
}

// GetProject finds archived projects too.
func (s *adminService) GetProject(_ context.Context, request *admin.ProjectGetRequest) (*admin.Project, error) {
	if request.GetId() == "" {
		return nil, missing("project_id")
	}
	project, err := s.projects.get(request.GetId())
	if err != nil {
		return nil, err
	}
	return project.message(), nil
}

// ListProjects pages by offset; a page that is exactly full carries a token, the last one too. A limit of 0 is none.
func (s *adminService) ListProjects(_ context.Context, request *admin.ProjectListRequest) (*admin.Projects, error) {
	matches, err := parseFilters(request.GetFilters())
	if err != nil {
		return nil, err
	}
	less, err := parseSort(request.GetSortBy())
	if err != nil {
		return nil, err
	}
	offset, err := parseToken(request.GetToken())
	if err != nil {
		return nil, err
	}
	limit := int(request.GetLimit())
	page, err := s.projects.page(matches, less, offset, limit)
	if err != nil {
		return nil, err
	}
	answer := &admin.Projects{}
	for _, project := range page {
		answer.Projects = append(answer.Projects, project.message())
	}
	if len(answer.GetProjects()) == limit {
		answer.Token = strconv.Itoa(offset + limit)
	}
	return answer, nil
}

// GetDomains answers the domains of a default deployment.
func (*adminService) GetDomains(context.Context, *admin.GetDomainRequest) (*admin.GetDomainsResponse, error) {
	return &admin.GetDomainsResponse{Domains: domains()}, nil
}

// GetVersion answers Version (flyteadmin/pkg/manager/impl/version_manager.go).
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
