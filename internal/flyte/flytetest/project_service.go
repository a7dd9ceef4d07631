package flytetest

import (
	"context"
	"maps"
	"strconv"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// Pages of Flyte 2 (runs/service/project_service.go).
const (
	defaultPageV2 = 50
	maxPageV2     = 200
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

// ListProjects looks at a filter only for whether there is one: without any archived projects are left out.
func (s *projectService) ListProjects(
	_ context.Context, request *flyteidl2.ListProjectsRequest,
) (*flyteidl2.ListProjectsResponse, error) {
	limit := int(request.GetLimit())
	switch {
	case limit == 0:
		limit = defaultPageV2
	case limit > maxPageV2:
		return nil, invalid("invalid limit: %d (exceeds maximum of %d)", limit, maxPageV2)
	}
	offset, err := parseToken(request.GetToken())
	if err != nil {
		return nil, err
	}
	compare, err := parseSort(sortV1(request.GetSortBy()))
	if err != nil {
		return nil, err
	}
	matches := func(p Project) bool { return request.GetFilters() != "" || p.State != admin.Project_ARCHIVED }
	answer := &flyteidl2.Projects{}
	for _, project := range s.projects.page(matches, compare, offset, limit) {
		answer.Projects = append(answer.Projects, messageV2(project))
	}
	if len(answer.GetProjects()) == limit {
		answer.Token = strconv.Itoa(offset + limit)
	}
	return &flyteidl2.ListProjectsResponse{Projects: answer}, nil
}

// sortV1 is the same order in terms of Flyte 1, whose columns have the same names.
func sortV1(sort *flyteidl2.Sort) *admin.Sort {
	if sort.GetKey() == "" {
		return nil
	}
	return &admin.Sort{Key: sort.GetKey(), Direction: admin.Sort_Direction(sort.GetDirection())}
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
