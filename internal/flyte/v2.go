package flyte

import (
	"context"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// v2 is Flyte 2, flyteidl2.project.ProjectService.
type v2 struct {
	conn     grpc.ClientConnInterface
	projects flyteidl2.ProjectServiceClient
}

func (v v2) getProject(ctx context.Context, id string) (*admin.Project, error) {
	response, err := v.projects.GetProject(ctx, &flyteidl2.GetProjectRequest{Id: id})
	if err != nil {
		return nil, err
	}
	return fromV2(response.GetProject()), nil
}

func (v v2) listPage(ctx context.Context, token string, each func(*admin.Project)) (*listResponse, error) {
	request := &flyteidl2.ListProjectsRequest{
		Limit: pageSize, Token: token, Filters: matchAll, SortBy: &flyteidl2.Sort{Key: byID, Direction: flyteidl2.Sort_ASCENDING},
	}
	response := &listResponse{nested: true, maxEntries: pageSize, each: decoding(func(p *flyteidl2.Project) { each(fromV2(p)) })}
	return response, list(ctx, v.conn, flyteidl2.ProjectService_ListProjects_FullMethodName, request, response,
		grpc.MaxCallRecvMsgSize(maxPageBytes))
}

func (v v2) createProject(ctx context.Context, project *admin.Project) error {
	_, err := v.projects.CreateProject(ctx, &flyteidl2.CreateProjectRequest{Project: toV2(project)})
	return err
}

func (v v2) updateProject(ctx context.Context, project *admin.Project) error {
	_, err := v.projects.UpdateProject(ctx, &flyteidl2.UpdateProjectRequest{Project: toV2(project)})
	return err
}

// version is that of the API, since Flyte 2 reports no other. Listing one project shows that the server responds.
func (v v2) version(ctx context.Context) (string, error) {
	_, err := v.projects.ListProjects(ctx, &flyteidl2.ListProjectsRequest{Limit: 1})
	return string(V2), err
}

// domains reads those of one project: every project has all domains.
func (v v2) domains(ctx context.Context) (ids []string, err error) {
	response, err := v.projects.ListProjects(ctx, &flyteidl2.ListProjectsRequest{Limit: 1, Filters: matchAll})
	for _, project := range response.GetProjects().GetProjects() {
		for _, domain := range project.GetDomains() {
			ids = append(ids, domain.GetId())
		}
	}
	return ids, err
}

// clearsText is true: an update writes every column (runs/repository/impl/project.go).
func (v2) clearsText() bool { return true }

// toV2 leaves out the domains, which only Flyte sets.
func toV2(p *admin.Project) *flyteidl2.Project {
	return &flyteidl2.Project{
		Id: p.GetId(), Name: p.GetName(), Description: p.GetDescription(),
		Labels: &flyteidl2.Labels{Values: p.GetLabels().GetValues()},
		State:  flyteidl2.ProjectState(p.GetState()),
	}
}

func fromV2(p *flyteidl2.Project) *admin.Project {
	return &admin.Project{
		Id: p.GetId(), Name: p.GetName(), Description: p.GetDescription(),
		Labels: &admin.Labels{Values: p.GetLabels().GetValues()},
		State:  admin.Project_ProjectState(p.GetState()),
	}
}
