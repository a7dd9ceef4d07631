package flyte

import (
	"context"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxAttributesBytes bounds the response with the attributes of all projects, some hundred bytes each: it has no pages.
const maxAttributesBytes = 64 << 20

func (k Kind) resourceType() admin.MatchableResource {
	return admin.MatchableResource(admin.MatchableResource_value[string(k)])
}

// getAttributes asks for each domain; the response has what applies there and where it is stored. GetProjectAttributes can't be used: it
// mixes WORKFLOW_EXECUTION_CONFIG with Flyte's own defaults (flyteadmin/pkg/manager/impl/resources/resource_manager.go).
func (v v1) getAttributes(ctx context.Context, project string, kind Kind, domains []string) (attributesByPlace, error) {
	found := attributesByPlace{}
	overridden := 0 // the domains with their own attributes
	for _, domain := range domains {
		response, err := v.admin.GetProjectDomainAttributes(ctx, &admin.ProjectDomainAttributesGetRequest{
			Project: project, Domain: domain, ResourceType: kind.resourceType(),
		})
		if err != nil && status.Code(err) != codes.NotFound {
			return nil, err
		}
		attributes := response.GetAttributes()
		if attributes.GetProject() != project {
			continue
		}
		found[attributePlace{kind, attributes.GetDomain()}] = attributes.GetMatchingAttributes()
		if attributes.GetDomain() == domain {
			overridden++
		}
	}
	if overridden < len(domains) || len(domains) == 0 {
		return found, nil
	}
	return found, v.addOverridden(ctx, project, kind, found)
}

// addOverridden adds the attributes at project level, which no domain shows if each has its own. For WORKFLOW_EXECUTION_CONFIG, Flyte
// does not say whether there are any: they have no effect, and count as absent.
func (v v1) addOverridden(ctx context.Context, project string, kind Kind, found attributesByPlace) error {
	if kind == KindExecution {
		return nil
	}
	response, err := v.admin.GetProjectAttributes(ctx, &admin.ProjectAttributesGetRequest{
		Project: project, ResourceType: kind.resourceType(),
	})
	switch {
	case status.Code(err) == codes.NotFound:
		return nil
	case err != nil:
		return err
	}
	found[attributePlace{kind, projectLevel}] = response.GetAttributes().GetMatchingAttributes()
	return nil
}

func (v v1) setAttributes(
	ctx context.Context, project string, place attributePlace, attributes *admin.MatchingAttributes,
) (err error) {
	if place.domain == projectLevel {
		_, err = v.admin.UpdateProjectAttributes(ctx, &admin.ProjectAttributesUpdateRequest{
			Attributes: &admin.ProjectAttributes{Project: project, MatchingAttributes: attributes},
		})
		return err
	}
	_, err = v.admin.UpdateProjectDomainAttributes(ctx, &admin.ProjectDomainAttributesUpdateRequest{
		Attributes: &admin.ProjectDomainAttributes{Project: project, Domain: place.domain, MatchingAttributes: attributes},
	})
	return err
}

// deleteAttributes at project level deletes those of the domains, too: gorm leaves the empty domain out of its conditions
// (flyteadmin/pkg/repositories/gormimpl/resource_repo.go).
func (v v1) deleteAttributes(ctx context.Context, project string, place attributePlace) (err error) {
	if place.domain == projectLevel {
		_, err = v.admin.DeleteProjectAttributes(ctx, &admin.ProjectAttributesDeleteRequest{
			Project: project, ResourceType: place.kind.resourceType(),
		})
		return err
	}
	_, err = v.admin.DeleteProjectDomainAttributes(ctx, &admin.ProjectDomainAttributesDeleteRequest{
		Project: project, Domain: place.domain, ResourceType: place.kind.resourceType(),
	})
	return err
}

// listAttributes calls each with the attributes of one kind, of every project and domain.
func (v v1) listAttributes(ctx context.Context, kind Kind, each func(*admin.MatchableAttributesConfiguration)) error {
	request := &admin.ListMatchableAttributesRequest{ResourceType: kind.resourceType()}
	response := &listResponse{each: decoding(each)}
	return list(ctx, v.conn, service.AdminService_ListMatchableAttributes_FullMethodName, request, response,
		grpc.MaxCallRecvMsgSize(maxAttributesBytes))
}
