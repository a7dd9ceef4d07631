package flytetest

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// projectService is Flyte 2's service of that name (runs/service/project_service.go). It checks nothing of a project but that it
// has an id.
type projectService struct {
	flyteidl2.UnimplementedProjectServiceServer

	projects *projects
}

// CreateProject keeps the state of the request.
func (s *projectService) CreateProject(
	_ context.Context, request *flyteidl2.CreateProjectRequest,
) (*flyteidl2.CreateProjectResponse, error) {
	if request.GetProject().GetId() == "" {
		return nil, invalid("project.id is required")
	}
	if err := s.projects.create(storedV2(request.GetProject())); err != nil {
		return nil, err
	}
	return &flyteidl2.CreateProjectResponse{}, nil
}

// UpdateProject writes every column, whether the request has it or not (runs/repository/impl/project.go).
func (s *projectService) UpdateProject(
	_ context.Context, request *flyteidl2.UpdateProjectRequest,
) (*flyteidl2.UpdateProjectResponse, error) {
	if request.GetProject().GetId() == "" {
		return nil, invalid("project.id is required")
	}
	replace := func(Project) Project { return storedV2(request.GetProject()) }
	if err := s.projects.update(request.GetProject().GetId(), replace); err != nil {
		return nil, err
	}
	return &flyteidl2.UpdateProjectResponse{}, nil
}

// GetProject finds archived projects too.
func (s *projectService) GetProject(_ context.Context, request *flyteidl2.GetProjectRequest) (*flyteidl2.GetProjectResponse, error) {
	if request.GetId() == "" {
		return nil, invalid("id is required")
	}
	project, err := s.projects.get(request.GetId())
	if err != nil {
		return nil, err
	}
	return &flyteidl2.GetProjectResponse{Project: messageV2(project)}, nil
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
	answer := &flyteidl2.Projects{}
	for _, project := range page {
		answer.Projects = append(answer.Projects, messageV2(project))
	}
	if limit > 0 && len(answer.GetProjects()) == limit {
		answer.Token = strconv.Itoa(offset + limit)
	}
	return &flyteidl2.ListProjectsResponse{Projects: answer}, nil
}

// parseTokenV2 takes the digits that a token begins with, as fmt.Sscanf does.
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

func storedV2(p *flyteidl2.Project) Project {
	return Project{
		ID: p.GetId(), Name: p.GetName(), Description: p.GetDescription(), Labels: maps.Clone(p.GetLabels().GetValues()),
		State: admin.Project_ProjectState(p.GetState()),
	}
}

// messageV2 has no labels where there are none, rather than empty ones (runs/repository/transformers/project.go).
func messageV2(p Project) *flyteidl2.Project {
	message := &flyteidl2.Project{
		Id: p.ID, Name: p.Name, Description: p.Description, State: flyteidl2.ProjectState(p.State),
	}
	if len(p.Labels) > 0 {
		message.Labels = &flyteidl2.Labels{Values: p.Labels}
	}
	for _, domain := range domains() {
		message.Domains = append(message.Domains, &flyteidl2.Domain{Id: domain.GetId(), Name: domain.GetName()})
	}
	return message
}
