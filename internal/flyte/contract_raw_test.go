package flyte_test

import (
	"context"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// rawProjects reads and writes projects without the client under test, with the types of Flyte 1.
type rawProjects interface {
	register(context.Context, *admin.Project) error
	update(context.Context, *admin.Project) error
	get(ctx context.Context, id string) (*admin.Project, error)
}

type rawV1 struct{ client service.AdminServiceClient }

func (r rawV1) register(ctx context.Context, project *admin.Project) error {
	_, err := r.client.RegisterProject(ctx, &admin.ProjectRegisterRequest{Project: project})
	return err
}

func (r rawV1) update(ctx context.Context, project *admin.Project) error {
	_, err := r.client.UpdateProject(ctx, project)
	return err
}

func (r rawV1) get(ctx context.Context, id string) (*admin.Project, error) {
	return r.client.GetProject(ctx, &admin.ProjectGetRequest{Id: id})
}

type rawV2 struct {
	client flyteidl2.ProjectServiceClient
}

func (r rawV2) register(ctx context.Context, project *admin.Project) error {
	_, err := r.client.CreateProject(ctx, &flyteidl2.CreateProjectRequest{Project: asV2(project)})
	return err
}

func (r rawV2) update(ctx context.Context, project *admin.Project) error {
	_, err := r.client.UpdateProject(ctx, &flyteidl2.UpdateProjectRequest{Project: asV2(project)})
	return err
}

func (r rawV2) get(ctx context.Context, id string) (*admin.Project, error) {
	response, err := r.client.GetProject(ctx, &flyteidl2.GetProjectRequest{Id: id})
	p := response.GetProject()
	var domains []*admin.Domain
	for _, domain := range p.GetDomains() {
		domains = append(domains, &admin.Domain{Id: domain.GetId(), Name: domain.GetName()})
	}
	return &admin.Project{
		Domains: domains,
		Id:      p.GetId(), Name: p.GetName(), Description: p.GetDescription(), Labels: &admin.Labels{Values: p.GetLabels().GetValues()},
		State: admin.Project_ProjectState(p.GetState()),
	}, err
}

func asV2(p *admin.Project) *flyteidl2.Project {
	message := &flyteidl2.Project{
		Id: p.GetId(), Name: p.GetName(), Description: p.GetDescription(), State: flyteidl2.ProjectState(p.GetState()),
	}
	if p.GetLabels() != nil {
		message.Labels = &flyteidl2.Labels{Values: p.GetLabels().GetValues()}
	}
	return message
}
