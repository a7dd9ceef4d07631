package flytetest

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// projectService is Flyte 2's ProjectService (runs/service/project_service.go). It validates nothing but that a project has an id.
type projectService struct {
	flyteidl2.UnimplementedProjectServiceServer

	projects *projects
}

// CreateProject creates the project in the state of the request.
func (s *projectService) CreateProject(
	_ context.Context, request *flyteidl2.CreateProjectRequest,
) (*flyteidl2.CreateProjectResponse, error) {
	if request.GetProject().GetId() == "" {
		return nil, invalid("project.id is required")
	}
	if err := s.projects.create(fromProtoV2(request.GetProject())); err != nil {
		return nil, err
	}
	return &flyteidl2.CreateProjectResponse{}, nil
}

// UpdateProject writes every column, even if the request leaves it empty (runs/repository/impl/project.go).
func (s *projectService) UpdateProject(
	_ context.Context, request *flyteidl2.UpdateProjectRequest,
) (*flyteidl2.UpdateProjectResponse, error) {
	if request.GetProject().GetId() == "" {
		return nil, invalid("project.id is required")
	}
	replace := func(Project) Project { return fromProtoV2(request.GetProject()) }
	if err := s.projects.update(request.GetProject().GetId(), replace); err != nil {
		return nil, err
	}
	return &flyteidl2.UpdateProjectResponse{}, nil
}

// GetProject finds archived projects, too.
func (s *projectService) GetProject(_ context.Context, request *flyteidl2.GetProjectRequest) (*flyteidl2.GetProjectResponse, error) {
	if request.GetId() == "" {
		return nil, invalid("id is required")
	}
	project, err := s.projects.get(request.GetId())
	if err != nil {
		return nil, err
	}
	return &flyteidl2.GetProjectResponse{Project: toProtoV2(project)}, nil
}

// ListProjects has neither a default nor a maximum for the limit; 0 lists all projects. Without a filter it hides archived ones.
func (s *projectService) ListProjects(
	_ context.Context, request *flyteidl2.ListProjectsRequest,
) (*flyteidl2.ListProjectsResponse, error) {
	offset, err := parseTokenV2(request.GetToken())
	if err != nil {
		return nil, err
	}
	compare, err := parseSortV2(request.GetSortBy())
	if err != nil {
		return nil, err
	}
	matches, err := parseFiltersV2(request.GetFilters())
	if err != nil {
		return nil, err
	}
	limit := int(request.GetLimit())
	page, err := s.projects.page(matches, compare, offset, limit)
	if err != nil {
		return nil, err
	}
	response := &flyteidl2.Projects{}
	for _, project := range page {
		response.Projects = append(response.Projects, toProtoV2(project))
	}
	if limit > 0 && len(response.GetProjects()) == limit {
		response.Token = strconv.Itoa(offset + limit)
	}
	return &flyteidl2.ListProjectsResponse{Projects: response}, nil
}

// parseTokenV2 uses the leading digits of a token, as fmt.Sscanf does.
func parseTokenV2(token string) (offset int, err error) {
	if token == "" {
		return 0, nil
	}
	if _, err := fmt.Sscanf(token, "%d", &offset); err != nil {
		return 0, invalid("invalid token format: %s", token)
	}
	if offset < 0 {
		return 0, invalid("invalid offset: %d (must be non-negative)", offset)
	}
	return offset, nil
}

func fromProtoV2(p *flyteidl2.Project) Project {
	return Project{
		ID: p.GetId(), Name: p.GetName(), Description: p.GetDescription(), Labels: maps.Clone(p.GetLabels().GetValues()),
		State: admin.Project_ProjectState(p.GetState()),
	}
}

// toProtoV2 leaves labels out if there are none (runs/repository/transformers/project.go).
func toProtoV2(p Project) *flyteidl2.Project {
	project := &flyteidl2.Project{
		Id: p.ID, Name: p.Name, Description: p.Description, State: flyteidl2.ProjectState(p.State),
	}
	if len(p.Labels) > 0 {
		project.Labels = &flyteidl2.Labels{Values: p.Labels}
	}
	for _, domain := range domains() {
		project.Domains = append(project.Domains, &flyteidl2.Domain{Id: domain.GetId(), Name: domain.GetName()})
	}
	return project
}
