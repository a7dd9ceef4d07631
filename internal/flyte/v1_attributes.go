package flyte

import (
	"context"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAttributesBytes bounds the listing of all attributes of a kind, which has no pages: some hundred bytes for each project.
const maxAttributesBytes = 64 << 20

func (k Kind) resource() admin.MatchableResource {
	return admin.MatchableResource(admin.MatchableResource_value[string(k)])
}

// rows asks for each domain, which answers what holds there and where that stands. It is the only way to read what was written:
// GetProjectAttributes answers WORKFLOW_EXECUTION_CONFIG mixed with Flyte's own defaults
// (flyteadmin/pkg/manager/impl/resources/resource_manager.go). A project's row that every domain overrides is not seen so.
func (v v1) rows(ctx context.Context, project string, kind Kind, domains []string) (map[row]*admin.MatchingAttributes, error) {
	found := map[row]*admin.MatchingAttributes{}
	shadowed := len(domains)
	for _, domain := range domains {
		answer, err := v.admin.GetProjectDomainAttributes(ctx, &admin.ProjectDomainAttributesGetRequest{
			Project: project, Domain: domain, ResourceType: kind.resource(),
		})
		if err != nil && status.Code(err) != codes.NotFound {
			return nil, err
		}
		have := answer.GetAttributes()
		if have.GetProject() == project {
			found[row{kind, have.GetDomain()}] = have.GetMatchingAttributes()
		}
		if have.GetProject() == project && have.GetDomain() == domain {
			shadowed--
		}
	}
	if shadowed > 0 || len(domains) == 0 {
		return found, nil
	}
	return found, v.addShadowed(ctx, project, kind, found)
}

// addShadowed adds the project's row where every domain has its own. Of WORKFLOW_EXECUTION_CONFIG nobody tells whether there is one:
// it has no effect, and is taken for absent.
func (v v1) addShadowed(ctx context.Context, project string, kind Kind, found map[row]*admin.MatchingAttributes) error {
	if kind == KindExecution {
		return nil
	}
	answer, err := v.admin.GetProjectAttributes(ctx, &admin.ProjectAttributesGetRequest{Project: project, ResourceType: kind.resource()})
	switch {
	case status.Code(err) == codes.NotFound:
		return nil
	case err != nil:
		return err
	}
	found[row{kind, projectLevel}] = answer.GetAttributes().GetMatchingAttributes()
	return nil
}

func (v v1) put(ctx context.Context, project string, at row, attributes *admin.MatchingAttributes) (err error) {
	if at.domain == projectLevel {
		_, err = v.admin.UpdateProjectAttributes(ctx, &admin.ProjectAttributesUpdateRequest{
			Attributes: &admin.ProjectAttributes{Project: project, MatchingAttributes: attributes},
		})
		return err
	}
	_, err = v.admin.UpdateProjectDomainAttributes(ctx, &admin.ProjectDomainAttributesUpdateRequest{
		Attributes: &admin.ProjectDomainAttributes{Project: project, Domain: at.domain, MatchingAttributes: attributes},
	})
	return err
}

// remove of the project's row also removes those of its domains: gorm leaves the empty domain out of its conditions
// (flyteadmin/pkg/repositories/gormimpl/resource_repo.go).
func (v v1) remove(ctx context.Context, project string, at row) (err error) {
	if at.domain == projectLevel {
		_, err = v.admin.DeleteProjectAttributes(ctx, &admin.ProjectAttributesDeleteRequest{
			Project: project, ResourceType: at.kind.resource(),
		})
		return err
	}
	_, err = v.admin.DeleteProjectDomainAttributes(ctx, &admin.ProjectDomainAttributesDeleteRequest{
		Project: project, Domain: at.domain, ResourceType: at.kind.resource(),
	})
	return err
}

// listAttributes tells the attributes of one kind of all projects, in every domain.
func (v v1) listAttributes(ctx context.Context, kind Kind, each func(*admin.MatchableAttributesConfiguration)) error {
	request := &admin.ListMatchableAttributesRequest{ResourceType: kind.resource()}
	answer := &entries{each: decoded(each)}
	return list(ctx, v.conn, service.AdminService_ListMatchableAttributes_FullMethodName, request, answer,
		grpc.MaxCallRecvMsgSize(maxAttributesBytes))
}
