package flytetest

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Project is one stored project.
type Project struct {
	ID, Name, Description string
	// Labels are nil until a request has labels, which may be empty.
	Labels map[string]string
	State  admin.Project_ProjectState
}

// toProto adds the domains, which every response has and no request may have
// (flyteadmin/pkg/repositories/transformers/project.go).
func (p Project) toProto() *admin.Project {
	project := &admin.Project{Id: p.ID, Name: p.Name, Description: p.Description, State: p.State, Domains: domains()}
	if p.Labels != nil {
		project.Labels = &admin.Labels{Values: maps.Clone(p.Labels)}
	}
	return project
}

func (p Project) clone() Project {
	p.Labels = maps.Clone(p.Labels)
	return p
}

// projects is FlyteAdmin's table of projects (flyteadmin/pkg/repositories/gormimpl/project_repo.go). The zero value is empty.
type projects struct {
	mutex sync.Mutex
	byID  map[string]Project
	// fault is the error of every operation, if not nil.
	fault error
}

func (t *projects) setFault(fault error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.fault = fault
}

func (t *projects) empty() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return len(t.byID) == 0
}

func (t *projects) get(id string) (Project, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.fault != nil {
		return Project{}, t.fault
	}
	project, ok := t.byID[id]
	if !ok {
		return Project{}, status.Errorf(codes.NotFound, "project [%s] not found", id)
	}
	return project.clone(), nil
}

// create returns the AlreadyExists of the unique index, for an archived project, too
// (flyteadmin/pkg/repositories/errors/postgres.go, runs/repository/impl/project.go).
func (t *projects) create(project Project) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.fault != nil {
		return t.fault
	}
	if _, ok := t.byID[project.ID]; ok {
		return status.Error(codes.AlreadyExists, "value with matching project already exists")
	}
	if len(t.byID) >= MaxProjects {
		return status.Errorf(codes.ResourceExhausted, "the double stores at most %d projects", MaxProjects)
	}
	if t.byID == nil {
		t.byID = map[string]Project{}
	}
	t.byID[project.ID] = project
	return nil
}

func (t *projects) update(id string, change func(Project) Project) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.fault != nil {
		return t.fault
	}
	project, ok := t.byID[id]
	if !ok {
		return status.Errorf(codes.NotFound, "project [%s] not found", id)
	}
	t.byID[id] = change(project)
	return nil
}

// updated writes what gorm's Updates writes: no zero values, so no empty name or description and no absent labels. Present labels, even
// if empty, replace all. The state is a pointer in FlyteAdmin, so it is always written.
func (p Project) updated(request *admin.Project) Project {
	p.Name = cmp.Or(request.GetName(), p.Name)
	p.Description = cmp.Or(request.GetDescription(), p.Description)
	if request.GetLabels() != nil {
		p.Labels = maps.Clone(request.GetLabels().GetValues())
		if p.Labels == nil {
			p.Labels = map[string]string{}
		}
	}
	p.State = request.GetState()
	return p
}

func (t *projects) snapshot() []Project {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	all := make([]Project, 0, len(t.byID))
	for _, project := range t.byID {
		all = append(all, project.clone())
	}
	slices.SortFunc(all, func(a, b Project) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// page returns one page of a sorted listing. A limit of 0 is no limit.
func (t *projects) page(matches filter, compare func(a, b Project) int, offset, limit int) ([]Project, error) {
	t.mutex.Lock()
	fault := t.fault
	t.mutex.Unlock()
	if fault != nil {
		return nil, fault
	}
	found := slices.DeleteFunc(t.snapshot(), func(p Project) bool { return !matches(p) })
	slices.SortStableFunc(found, compare)
	found = found[min(offset, len(found)):]
	if limit > 0 {
		found = found[:min(limit, len(found))]
	}
	return found, nil
}
