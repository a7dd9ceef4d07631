package flytetest

import (
	"context"
	"sync"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// executions are FlyteAdmin's tables of tasks and executions, for container tasks only. The zero value is empty.
type executions struct {
	mutex sync.Mutex
	tasks map[string]*core.TaskTemplate
	// started are the tasks of executions as FlyteAdmin passes them to propeller, by execution.
	started map[string]*core.TaskTemplate
}

func (e *executions) addTask(id *core.Identifier, task *core.TaskTemplate) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.tasks == nil {
		e.tasks = map[string]*core.TaskTemplate{}
	}
	if _, exists := e.tasks[keyOf(id)]; exists {
		return status.Errorf(codes.AlreadyExists, "task with identical structure already exists with id %v", id)
	}
	e.tasks[keyOf(id)] = task
	return nil
}

func (e *executions) task(id *core.Identifier) (*core.TaskTemplate, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	task, exists := e.tasks[keyOf(id)]
	if !exists {
		return nil, status.Errorf(codes.NotFound, "missing entity of type TASK with identifier %v", id)
	}
	return proto.CloneOf(task), nil
}

func (e *executions) start(id *core.WorkflowExecutionIdentifier, task *core.TaskTemplate) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.started == nil {
		e.started = map[string]*core.TaskTemplate{}
	}
	if _, exists := e.started[keyOf(id)]; exists {
		return status.Errorf(codes.AlreadyExists, "value with matching already exists")
	}
	e.started[keyOf(id)] = task
	return nil
}

// keyOf returns a map key for an identifier.
func keyOf(id proto.Message) string {
	text, _ := proto.MarshalOptions{Deterministic: true}.Marshal(id) // fails only for invalid UTF-8, which gRPC does not deliver
	return string(text)
}

// ExecutionResources returns the resources of an execution's task as FlyteAdmin writes them into the FlyteWorkflow for propeller, nil if
// there is no such execution.
func (s *Server) ExecutionResources(project, domain, name string) *core.Resources {
	s.executions.mutex.Lock()
	defer s.executions.mutex.Unlock()
	id := &core.WorkflowExecutionIdentifier{Project: project, Domain: domain, Name: name}
	return proto.CloneOf(s.executions.started[keyOf(id)].GetContainer().GetResources())
}

// CreateTask follows flyteadmin/pkg/manager/impl/validation/task_validator.go, for container tasks.
func (s *adminService) CreateTask(_ context.Context, request *admin.TaskCreateRequest) (*admin.TaskCreateResponse, error) {
	id, template := request.GetId(), request.GetSpec().GetTemplate()
	if err := s.checkProjectAndDomain(id.GetProject(), id.GetDomain()); err != nil {
		return nil, err
	}
	switch {
	case id.GetName() == "" || id.GetVersion() == "":
		return nil, missing("name or version")
	case template == nil:
		return nil, missing("spec")
	case template.GetType() == "":
		return nil, missing("type")
	case template.GetMetadata() == nil:
		return nil, missing("metadata")
	case template.GetInterface() == nil:
		return nil, missing("typed interface")
	case template.GetContainer().GetImage() == "":
		return nil, missing("image")
	}
	if err := validateResources(template.GetContainer().GetResources(), s.taskResources(id.GetProject(), id.GetDomain()).limits); err != nil {
		return nil, err
	}
	template = proto.CloneOf(template)
	template.Id = id
	if err := s.executions.addTask(id, template); err != nil {
		return nil, err
	}
	return &admin.TaskCreateResponse{}, nil
}

// CreateExecution starts a single task, with the resources that propeller would get
// (flyteadmin/pkg/manager/impl/execution_manager.go, launchSingleTaskExecution).
func (s *adminService) CreateExecution(
	_ context.Context, request *admin.ExecutionCreateRequest,
) (*admin.ExecutionCreateResponse, error) {
	if err := s.checkProjectAndDomain(request.GetProject(), request.GetDomain()); err != nil {
		return nil, err
	}
	entity := request.GetSpec().GetLaunchPlan()
	switch {
	case entity == nil:
		return nil, missing("spec")
	case entity.GetResourceType() != core.ResourceType_TASK || request.GetName() == "":
		return nil, status.Error(codes.Unimplemented, "the double starts only single tasks, by name")
	}
	task, err := s.executions.task(entity)
	if err != nil {
		return nil, err
	}
	setTaskDefaults(task, s.taskResources(request.GetProject(), request.GetDomain()))
	id := &core.WorkflowExecutionIdentifier{Project: request.GetProject(), Domain: request.GetDomain(), Name: request.GetName()}
	if err := s.executions.start(id, task); err != nil {
		return nil, err
	}
	return &admin.ExecutionCreateResponse{Id: id}, nil
}

// checkProjectAndDomain requires an active project and a known domain.
func (s *adminService) checkProjectAndDomain(project, domain string) error {
	switch {
	case project == "":
		return missing("project")
	case domain == "":
		return missing("domain")
	}
	if err := s.checkActive(project); err != nil {
		return err
	}
	return checkDomain(domain)
}

// taskResources are the attributes of the domain or project as a whole, or FlyteAdmin's own if there are none
// (flyteadmin/pkg/manager/impl/util/resources.go, GetTaskResources).
func (s *adminService) taskResources(project, domain string) platformResources {
	_, attributes, err := s.attributes.get(attributesKey{project, domain, admin.MatchableResource_TASK_RESOURCE})
	if err != nil || attributes.GetTaskResourceAttributes() == nil {
		return flyteAdminResources()
	}
	own := attributes.GetTaskResourceAttributes()
	return platformResources{defaults: resourceSet(own.GetDefaults()), limits: resourceSet(own.GetLimits())}
}
