package flyte

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What FlyteAdmin accepts of a project; more is ErrInvalid. The lengths are bytes, not characters
// (flyteadmin/pkg/manager/impl/validation/project_validator.go and validation.go).
const (
	MaxNameBytes        = 64
	MaxDescriptionBytes = 300
	MaxLabels           = 16
)

// Project is what a workspace wants of Flyte.
type Project struct {
	// ID is a DNS-1123 label and never changes.
	ID string
	// Name and Description, where empty, leave alone what Flyte has: it can't clear them. A new project without a name gets its
	// id as name, since Flyte wants one.
	Name, Description string
	// Labels are all labels of the project, the owner label among them: others that someone added are removed, since Flyte only
	// ever replaces the whole set.
	Labels map[string]string
	// Archived projects accept no new executions. Nothing is deleted; Flyte can't delete a project.
	Archived bool
	// OnlyExisting leaves alone that Flyte has no such project, where it otherwise would be registered.
	OnlyExisting bool
}

// EnsureProject makes Flyte's project as wanted and tells whether it wrote. Registers, updates, archives and un-archives, in one
// write at most; writes nothing where nothing differs. A project of that id that doesn't carry our owner label is ErrConflict
// and stays untouched. Repeating it after any error is safe, also after one that hid a success.
//
// A Flyte that has failed several times in a row is left in peace for a while: then the answer is ErrUnavailable at once.
//
// Flyte has no conditional update, so two clients that want different things of one project overwrite each other.
func (c *Client) EnsureProject(ctx context.Context, want Project) (changed bool, err error) {
	if err := c.check(want); err != nil {
		return false, err
	}
	return c.unbroken(func() (bool, error) { return c.ensure(ctx, want) })
}

func (c *Client) ensure(ctx context.Context, want Project) (changed bool, err error) {
	have, err := c.look(ctx, want.ID)
	if err != nil {
		return false, err
	}
	switch {
	case have != nil:
		return c.repair(ctx, have, want)
	case want.OnlyExisting:
		return false, nil
	}
	return c.register(ctx, want)
}

// check refuses what no answer of Flyte's could explain: gRPC can't send invalid UTF-8 and PostgreSQL can't store NUL, and both
// would look like a fault that passes.
func (c *Client) check(want Project) error {
	doing := "checking project " + quoted(want.ID)
	if want.Labels[c.ownerLabel] == "" {
		return fmt.Errorf("%s: %w: it lacks the owner label %s", doing, ErrInvalid, quoted(c.ownerLabel))
	}
	texts := []string{want.ID, want.Name, want.Description}
	for key, value := range want.Labels {
		texts = append(texts, key, value)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%s: %w: a text is not valid UTF-8 or holds NUL", doing, ErrInvalid)
		}
	}
	if want.ID == "" {
		return fmt.Errorf("%s: %w: it has no id", doing, ErrInvalid)
	}
	return nil
}

// look answers nil where Flyte knows no such project. GetProject also finds archived ones; ListProjects without a filter does not
// (flyteadmin/pkg/repositories/gormimpl/project_repo.go).
func (c *Client) look(ctx context.Context, id string) (*admin.Project, error) {
	have, err := c.admin.GetProject(ctx, &admin.ProjectGetRequest{Id: id})
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, failure(ctx, "looking up project "+quoted(id), err)
	}
	return have, nil
}

// register keeps the state, so that a project that is wanted archived never lives
// (flyteadmin/pkg/repositories/transformers/project.go).
func (c *Client) register(ctx context.Context, want Project) (bool, error) {
	project := want.message()
	if project.GetName() == "" {
		project.Name = want.ID
	}
	_, err := c.admin.RegisterProject(ctx, &admin.ProjectRegisterRequest{Project: project})
	if err == nil {
		return true, nil
	}
	doing := "registering project " + quoted(want.ID)
	if status.Code(err) != codes.AlreadyExists {
		return false, failure(ctx, doing, err)
	}
	// Somebody was first: perhaps another of us, perhaps not.
	have, err := c.look(ctx, want.ID)
	if err != nil {
		return false, err
	}
	if have == nil {
		return false, fmt.Errorf("%s: %w: Flyte says both that it exists and that it does not", doing, ErrUnavailable)
	}
	return c.repair(ctx, have, want)
}

func (c *Client) repair(ctx context.Context, have *admin.Project, want Project) (bool, error) {
	if have.GetLabels().GetValues()[c.ownerLabel] != want.Labels[c.ownerLabel] {
		return false, fmt.Errorf("taking project %s: %w: its label %s is not ours", quoted(want.ID), ErrConflict, quoted(c.ownerLabel))
	}
	if !want.differs(have) {
		return false, nil
	}
	if _, err := c.admin.UpdateProject(ctx, want.message()); err != nil {
		return false, failure(ctx, "updating project "+quoted(want.ID), err)
	}
	return true, nil
}

// differs compares only what an update can change: Flyte doesn't write an empty name or description.
func (p Project) differs(have *admin.Project) bool {
	return p.Name != "" && p.Name != have.GetName() ||
		p.Description != "" && p.Description != have.GetDescription() ||
		p.state() != have.GetState() ||
		!maps.Equal(p.Labels, have.GetLabels().GetValues())
}

// message carries the state always, since an update without one un-archives, and the domains never, since Flyte refuses them.
func (p Project) message() *admin.Project {
	return &admin.Project{
		Id:          p.ID,
		Name:        p.Name,
		Description: p.Description,
		Labels:      &admin.Labels{Values: p.Labels},
		State:       p.state(),
	}
}

func (p Project) state() admin.Project_ProjectState {
	if p.Archived {
		return admin.Project_ARCHIVED
	}
	return admin.Project_ACTIVE
}

func quoted(text string) string { return fmt.Sprintf("%q", printable(text)) }
