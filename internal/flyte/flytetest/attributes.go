package flytetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// defaultParallelism is FlyteAdmin's own configuration, which GetProjectAttributes mixes into its answer
// (flyteadmin/pkg/manager/impl/resources/resource_manager.go).
const defaultParallelism = 25

// attributesKey is where attributes stand. Without a domain they are the project's.
type attributesKey struct {
	project, domain string
	kind            admin.MatchableResource
}

// attributesTable is FlyteAdmin's table of resources (flyteadmin/pkg/repositories/gormimpl/resource_repo.go), without those of
// workflows and launch plans. The zero value is empty.
type attributesTable struct {
	mutex sync.Mutex
	rows  map[attributesKey]*admin.MatchingAttributes
	// fault, if not nil, is what a listing answers; the other calls fail at the table of projects, which they look into first.
	fault error
}

func (t *attributesTable) setFault(fault error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.fault = fault
}

func (t *attributesTable) broken() error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.fault
}

func (t *attributesTable) put(key attributesKey, attributes *admin.MatchingAttributes) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.rows == nil {
		t.rows = map[attributesKey]*admin.MatchingAttributes{}
	}
	t.rows[key] = attributes
}

// remove without a domain removes those of the domains too: gorm leaves zero values out of its conditions. What is not there is
// removed without an error.
func (t *attributesTable) remove(key attributesKey) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for have := range t.rows {
		if have.project == key.project && have.kind == key.kind && (key.domain == "" || have.domain == key.domain) {
			delete(t.rows, have)
		}
	}
}

// get finds the domain's own before the project's.
func (t *attributesTable) get(key attributesKey) (attributesKey, *admin.MatchingAttributes, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, domain := range []string{key.domain, ""} {
		key.domain = domain
		if attributes, ok := t.rows[key]; ok {
			return key, proto.CloneOf(attributes), nil
		}
	}
	return key, nil, status.Errorf(codes.NotFound, "Resource [%+v] not found", key)
}

func (t *attributesTable) list(kind admin.MatchableResource) (all []*admin.MatchableAttributesConfiguration) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for key, attributes := range t.rows {
		if key.kind == kind {
			all = append(all, &admin.MatchableAttributesConfiguration{
				Project: key.project, Domain: key.domain, Attributes: proto.CloneOf(attributes),
			})
		}
	}
	slices.SortFunc(all, func(a, b *admin.MatchableAttributesConfiguration) int {
		return cmp.Or(cmp.Compare(a.GetProject(), b.GetProject()), cmp.Compare(a.GetDomain(), b.GetDomain()))
	})
	return all
}

// Attributes are those of one kind of a project, by domain, and by "" for the project's own.
func (s *Server) Attributes(project string, kind admin.MatchableResource) map[string]*admin.MatchingAttributes {
	found := map[string]*admin.MatchingAttributes{}
	for _, one := range s.attributes.list(kind) {
		if one.GetProject() == project {
			found[one.GetDomain()] = one.GetAttributes()
		}
	}
	return found
}

// UpdateProjectAttributes is refused of a project that is not active.
func (s *adminService) UpdateProjectAttributes(
	_ context.Context, request *admin.ProjectAttributesUpdateRequest,
) (*admin.ProjectAttributesUpdateResponse, error) {
	if request.GetAttributes() == nil {
		return nil, missing("attributes")
	}
	key := attributesKey{project: request.GetAttributes().GetProject()}
	if err := s.write(key, request.GetAttributes().GetMatchingAttributes()); err != nil {
		return nil, err
	}
	return &admin.ProjectAttributesUpdateResponse{}, nil
}

// UpdateProjectDomainAttributes is refused of a project that is not active, and of a domain that is none.
func (s *adminService) UpdateProjectDomainAttributes(
	_ context.Context, request *admin.ProjectDomainAttributesUpdateRequest,
) (*admin.ProjectDomainAttributesUpdateResponse, error) {
	if request.GetAttributes() == nil {
		return nil, missing("attributes")
	}
	key := attributesKey{project: request.GetAttributes().GetProject(), domain: request.GetAttributes().GetDomain()}
	if err := s.activeIn(key.project, key.domain); err != nil {
		return nil, err
	}
	if err := s.write(key, request.GetAttributes().GetMatchingAttributes()); err != nil {
		return nil, err
	}
	return &admin.ProjectDomainAttributesUpdateResponse{}, nil
}

func (s *adminService) write(key attributesKey, attributes *admin.MatchingAttributes) (err error) {
	if err := s.active(key.project); err != nil {
		return err
	}
	if key.kind, err = kindOf(attributes); err != nil {
		return err
	}
	s.attributes.put(key, attributes)
	return nil
}

// GetProjectAttributes also answers for archived projects. It mixes an execution configuration with FlyteAdmin's own.
func (s *adminService) GetProjectAttributes(
	_ context.Context, request *admin.ProjectAttributesGetRequest,
) (*admin.ProjectAttributesGetResponse, error) {
	if _, err := s.projects.get(request.GetProject()); err != nil {
		return nil, invalid("failed to validate that project [%s] exists, err: [%s]", request.GetProject(), status.Convert(err).Message())
	}
	_, attributes, err := s.attributes.get(attributesKey{project: request.GetProject(), kind: request.GetResourceType()})
	if request.GetResourceType() == admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG {
		attributes, err = mixed(attributes), nil
	}
	if err != nil {
		return nil, err
	}
	return &admin.ProjectAttributesGetResponse{Attributes: &admin.ProjectAttributes{
		Project: request.GetProject(), MatchingAttributes: attributes,
	}}, nil
}

func mixed(attributes *admin.MatchingAttributes) *admin.MatchingAttributes {
	config := attributes.GetWorkflowExecutionConfig()
	if config == nil {
		config = &admin.WorkflowExecutionConfig{}
	}
	config.MaxParallelism = cmp.Or(config.GetMaxParallelism(), defaultParallelism)
	return &admin.MatchingAttributes{Target: &admin.MatchingAttributes_WorkflowExecutionConfig{WorkflowExecutionConfig: config}}
}

// GetProjectDomainAttributes answers what holds in the domain, and where that stands.
func (s *adminService) GetProjectDomainAttributes(
	_ context.Context, request *admin.ProjectDomainAttributesGetRequest,
) (*admin.ProjectDomainAttributesGetResponse, error) {
	if err := s.activeIn(request.GetProject(), request.GetDomain()); err != nil {
		return nil, err
	}
	at, attributes, err := s.attributes.get(attributesKey{request.GetProject(), request.GetDomain(), request.GetResourceType()})
	if err != nil {
		return nil, err
	}
	return &admin.ProjectDomainAttributesGetResponse{Attributes: &admin.ProjectDomainAttributes{
		Project: at.project, Domain: at.domain, MatchingAttributes: attributes,
	}}, nil
}

// DeleteProjectAttributes is refused of a project that is not active.
func (s *adminService) DeleteProjectAttributes(
	_ context.Context, request *admin.ProjectAttributesDeleteRequest,
) (*admin.ProjectAttributesDeleteResponse, error) {
	if err := s.active(request.GetProject()); err != nil {
		return nil, err
	}
	s.attributes.remove(attributesKey{project: request.GetProject(), kind: request.GetResourceType()})
	return &admin.ProjectAttributesDeleteResponse{}, nil
}

// DeleteProjectDomainAttributes is refused of a project that is not active, and of a domain that is none.
func (s *adminService) DeleteProjectDomainAttributes(
	_ context.Context, request *admin.ProjectDomainAttributesDeleteRequest,
) (*admin.ProjectDomainAttributesDeleteResponse, error) {
	if err := s.activeIn(request.GetProject(), request.GetDomain()); err != nil {
		return nil, err
	}
	s.attributes.remove(attributesKey{request.GetProject(), request.GetDomain(), request.GetResourceType()})
	return &admin.ProjectDomainAttributesDeleteResponse{}, nil
}

// ListMatchableAttributes answers all of one kind, archived projects' too, in one page.
func (s *adminService) ListMatchableAttributes(
	_ context.Context, request *admin.ListMatchableAttributesRequest,
) (*admin.ListMatchableAttributesResponse, error) {
	if _, known := admin.MatchableResource_name[int32(request.GetResourceType())]; !known {
		return nil, invalid("invalid value for resource_type")
	}
	if err := s.attributes.broken(); err != nil {
		return nil, err
	}
	return &admin.ListMatchableAttributesResponse{Configurations: s.attributes.list(request.GetResourceType())}, nil
}

// active follows flyteadmin/pkg/manager/impl/validation/project_validator.go. Whatever goes wrong is an invalid argument.
func (s *adminService) active(id string) error {
	return s.activeAs("project ["+id+"] is registered", id)
}

// activeIn is active of a project in a domain.
func (s *adminService) activeIn(id, domain string) error {
	if err := s.activeAs(fmt.Sprintf("project [%s] and domain [%s] are registered", id, domain), id); err != nil {
		return err
	}
	return knownDomain(domain)
}

func (s *adminService) activeAs(what, id string) error {
	project, err := s.projects.get(id)
	if err != nil {
		return invalid("failed to validate that %s, err: [%s]", what, status.Convert(err).Message())
	}
	if project.State != admin.Project_ACTIVE {
		return invalid("project [%s] is not active", id)
	}
	return nil
}

func knownDomain(id string) error {
	if !slices.ContainsFunc(domains(), func(d *admin.Domain) bool { return d.GetId() == id }) {
		return invalid("domain [%s] is unrecognized by system", id)
	}
	return nil
}

// kindOf follows flyteadmin/pkg/manager/impl/validation/attributes_validator.go.
func kindOf(attributes *admin.MatchingAttributes) (admin.MatchableResource, error) {
	if attributes == nil {
		return 0, missing("matching_attributes")
	}
	switch attributes.GetTarget().(type) {
	case *admin.MatchingAttributes_TaskResourceAttributes:
		return admin.MatchableResource_TASK_RESOURCE, nil
	case *admin.MatchingAttributes_ClusterResourceAttributes:
		return admin.MatchableResource_CLUSTER_RESOURCE, nil
	case *admin.MatchingAttributes_ExecutionQueueAttributes:
		return admin.MatchableResource_EXECUTION_QUEUE, nil
	case *admin.MatchingAttributes_ExecutionClusterLabel:
		return admin.MatchableResource_EXECUTION_CLUSTER_LABEL, nil
	case *admin.MatchingAttributes_PluginOverrides:
		return admin.MatchableResource_PLUGIN_OVERRIDE, nil
	case *admin.MatchingAttributes_WorkflowExecutionConfig:
		return admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG, nil
	case *admin.MatchingAttributes_ClusterAssignment:
		return admin.MatchableResource_CLUSTER_ASSIGNMENT, nil
	}
	return 0, invalid("Unrecognized matching attributes type for request")
}
