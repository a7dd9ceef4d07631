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

// defaultParallelism is FlyteAdmin's own configuration, which GetProjectAttributes mixes into its response
// (flyteadmin/pkg/manager/impl/resources/resource_manager.go).
const defaultParallelism = 25

// attributesKey is where attributes are stored: in a domain, or at project level if domain is empty.
type attributesKey struct {
	project, domain string
	kind            admin.MatchableResource
}

// attributesTable is FlyteAdmin's table of resources (flyteadmin/pkg/repositories/gormimpl/resource_repo.go), except those of workflows
// and launch plans. The zero value is empty.
type attributesTable struct {
	mutex sync.Mutex
	rows  map[attributesKey]*admin.MatchingAttributes
	// fault is the error of listings, if not nil. The other calls read the table of projects first, and fail there.
	fault error
}

func (t *attributesTable) setFault(fault error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.fault = fault
}

func (t *attributesTable) currentFault() error {
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

// remove at project level removes those of the domains, too: gorm leaves zero values out of its conditions. Removing absent attributes
// is no error.
func (t *attributesTable) remove(key attributesKey) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for have := range t.rows {
		if have.project == key.project && have.kind == key.kind && (key.domain == "" || have.domain == key.domain) {
			delete(t.rows, have)
		}
	}
}

// get returns the domain's attributes, or else those at project level.
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

// Attributes returns a project's attributes of one kind by domain, "" for project level.
func (s *Server) Attributes(project string, kind admin.MatchableResource) map[string]*admin.MatchingAttributes {
	found := map[string]*admin.MatchingAttributes{}
	for _, one := range s.attributes.list(kind) {
		if one.GetProject() == project {
			found[one.GetDomain()] = one.GetAttributes()
		}
	}
	return found
}

// UpdateProjectAttributes refuses a project that is not active.
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

// UpdateProjectDomainAttributes refuses a project that is not active, and an unknown domain.
func (s *adminService) UpdateProjectDomainAttributes(
	_ context.Context, request *admin.ProjectDomainAttributesUpdateRequest,
) (*admin.ProjectDomainAttributesUpdateResponse, error) {
	if request.GetAttributes() == nil {
		return nil, missing("attributes")
	}
	key := attributesKey{project: request.GetAttributes().GetProject(), domain: request.GetAttributes().GetDomain()}
	if err := s.checkActiveIn(key.project, key.domain); err != nil {
		return nil, err
	}
	if err := s.write(key, request.GetAttributes().GetMatchingAttributes()); err != nil {
		return nil, err
	}
	return &admin.ProjectDomainAttributesUpdateResponse{}, nil
}

func (s *adminService) write(key attributesKey, attributes *admin.MatchingAttributes) (err error) {
	if err := s.checkActive(key.project); err != nil {
		return err
	}
	if key.kind, err = kindOf(attributes); err != nil {
		return err
	}
	s.attributes.put(key, attributes)
	return nil
}

// GetProjectAttributes accepts archived projects. It mixes FlyteAdmin's own configuration into an execution configuration.
func (s *adminService) GetProjectAttributes(
	_ context.Context, request *admin.ProjectAttributesGetRequest,
) (*admin.ProjectAttributesGetResponse, error) {
	if _, err := s.projects.get(request.GetProject()); err != nil {
		return nil, invalid("failed to validate that project [%s] exists, err: [%s]", request.GetProject(), status.Convert(err).Message())
	}
	_, attributes, err := s.attributes.get(attributesKey{project: request.GetProject(), kind: request.GetResourceType()})
	if request.GetResourceType() == admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG {
		attributes, err = withDefaults(attributes), nil
	}
	if err != nil {
		return nil, err
	}
	return &admin.ProjectAttributesGetResponse{Attributes: &admin.ProjectAttributes{
		Project: request.GetProject(), MatchingAttributes: attributes,
	}}, nil
}

func withDefaults(attributes *admin.MatchingAttributes) *admin.MatchingAttributes {
	config := attributes.GetWorkflowExecutionConfig()
	if config == nil {
		config = &admin.WorkflowExecutionConfig{}
	}
	config.MaxParallelism = cmp.Or(config.GetMaxParallelism(), defaultParallelism)
	return &admin.MatchingAttributes{Target: &admin.MatchingAttributes_WorkflowExecutionConfig{WorkflowExecutionConfig: config}}
}

// GetProjectDomainAttributes returns what applies in the domain, and where it is stored.
func (s *adminService) GetProjectDomainAttributes(
	_ context.Context, request *admin.ProjectDomainAttributesGetRequest,
) (*admin.ProjectDomainAttributesGetResponse, error) {
	if err := s.checkActiveIn(request.GetProject(), request.GetDomain()); err != nil {
		return nil, err
	}
	key, attributes, err := s.attributes.get(attributesKey{request.GetProject(), request.GetDomain(), request.GetResourceType()})
	if err != nil {
		return nil, err
	}
	return &admin.ProjectDomainAttributesGetResponse{Attributes: &admin.ProjectDomainAttributes{
		Project: key.project, Domain: key.domain, MatchingAttributes: attributes,
	}}, nil
}

// DeleteProjectAttributes refuses a project that is not active.
func (s *adminService) DeleteProjectAttributes(
	_ context.Context, request *admin.ProjectAttributesDeleteRequest,
) (*admin.ProjectAttributesDeleteResponse, error) {
	if err := s.checkActive(request.GetProject()); err != nil {
		return nil, err
	}
	s.attributes.remove(attributesKey{project: request.GetProject(), kind: request.GetResourceType()})
	return &admin.ProjectAttributesDeleteResponse{}, nil
}

// DeleteProjectDomainAttributes refuses a project that is not active, and an unknown domain.
func (s *adminService) DeleteProjectDomainAttributes(
	_ context.Context, request *admin.ProjectDomainAttributesDeleteRequest,
) (*admin.ProjectDomainAttributesDeleteResponse, error) {
	if err := s.checkActiveIn(request.GetProject(), request.GetDomain()); err != nil {
		return nil, err
	}
	s.attributes.remove(attributesKey{request.GetProject(), request.GetDomain(), request.GetResourceType()})
	return &admin.ProjectDomainAttributesDeleteResponse{}, nil
}

// ListMatchableAttributes returns all attributes of one kind in one page, those of archived projects included.
func (s *adminService) ListMatchableAttributes(
	_ context.Context, request *admin.ListMatchableAttributesRequest,
) (*admin.ListMatchableAttributesResponse, error) {
	if _, known := admin.MatchableResource_name[int32(request.GetResourceType())]; !known {
		return nil, invalid("invalid value for resource_type")
	}
	if err := s.attributes.currentFault(); err != nil {
		return nil, err
	}
	return &admin.ListMatchableAttributesResponse{Configurations: s.attributes.list(request.GetResourceType())}, nil
}

// checkActive follows flyteadmin/pkg/manager/impl/validation/project_validator.go. Every failure is InvalidArgument.
func (s *adminService) checkActive(id string) error {
	return s.checkActiveProject(id, "project ["+id+"] is registered")
}

// checkActiveIn checks the domain, too.
func (s *adminService) checkActiveIn(id, domain string) error {
	if err := s.checkActiveProject(id, fmt.Sprintf("project [%s] and domain [%s] are registered", id, domain)); err != nil {
		return err
	}
	return checkDomain(domain)
}

func (s *adminService) checkActiveProject(id, claim string) error {
	project, err := s.projects.get(id)
	if err != nil {
		return invalid("failed to validate that %s, err: [%s]", claim, status.Convert(err).Message())
	}
	if project.State != admin.Project_ACTIVE {
		return invalid("project [%s] is not active", id)
	}
	return nil
}

func checkDomain(id string) error {
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
