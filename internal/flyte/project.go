package flyte

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"
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

// lastAttributesTimeout is how long the attributes may delay that a project is archived.
const lastAttributesTimeout = time.Second

// Project is what a workspace wants of Flyte.
type Project struct {
	// ID is a DNS-1123 label and never changes.
	ID string
	// Name and Description, where empty, leave alone what Flyte 1 has: it can't clear them. Flyte 2 clears the description. A new
	// project without a name gets its id as name, since Flyte wants one.
	Name, Description string
	// Labels are all labels of the project, the owner label among them: others that someone added are removed, since Flyte only
	// ever replaces the whole set.
	Labels map[string]string
	// Archived projects accept no new executions. Nothing is deleted; Flyte can't delete a project.
	Archived bool
	// OnlyExisting leaves alone that Flyte has no such project, where it otherwise would be registered.
	OnlyExisting bool
	// Ours says that a project without an owner label belongs to the caller, which registered it in this Flyte before, or was told to
	// adopt it. Another owner's label is never overridden.
	Ours bool
	// Attributes are what is wanted in each of Flyte's domains, by the domain's name. Only Flyte 1 has them, and neither gives nor
	// takes those of an archived project: there they stay as they are.
	Attributes map[string]Attributes
	// OwnedKinds are kinds of attributes that were wanted before, and go where they are no longer wanted. The project's
	// attributes of a kind that is wanted or owned are owned whole, in every domain of Attributes; others are left alone.
	OwnedKinds []Kind
}

// EnsureProject makes Flyte's project as wanted and tells whether it wrote. Registers, updates, archives and un-archives, in one
// write at most, and then its attributes; writes nothing where nothing differs. A project with another owner label, or without one
// and not Ours, is ErrConflict and stays untouched. Repeating it after any error is safe, also after one that hid a success.
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
	have, err := c.wanted.get(ctx, id)
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, c.failure(ctx, "looking up project "+quoted(id), err)
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
	err := c.wanted.create(ctx, project)
	if err == nil && want.Archived {
		return true, nil
	}
	if err == nil {
		_, err := c.writeAttributes(ctx, want, nil) // it has none yet
		return true, err
	}
	doing := "registering project " + quoted(want.ID)
	if status.Code(err) != codes.AlreadyExists {
		return false, c.failure(ctx, doing, err)
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
	if err := c.checkOwner(have, want); err != nil {
		return false, err
	}
	want = c.completed(want, have)
	if want.Archived && have.GetState() != admin.Project_ARCHIVED {
		c.lastAttributes(ctx, want)
	}
	changed := want.differs(have)
	if changed {
		if err := c.wanted.update(ctx, want.message()); err != nil {
			return false, c.failure(ctx, "updating project "+quoted(want.ID), err)
		}
	}
	if want.Archived {
		return changed, nil
	}
	wrote, err := c.ensureAttributes(ctx, want)
	return changed || wrote, err
}

// checkOwner refuses a project with another owner's label, and one without a label that is not known to be ours.
func (c *Client) checkOwner(have *admin.Project, want Project) error {
	owner, wanted := have.GetLabels().GetValues()[c.ownerLabel], want.Labels[c.ownerLabel]
	switch {
	case owner == wanted, owner == "" && want.Ours:
		return nil
	case owner == "":
		return fmt.Errorf("taking project %s: %w: it exists without the label %s=%s", quoted(want.ID), ErrConflict, c.ownerLabel, wanted)
	}
	return fmt.Errorf("taking project %s: %w: its label %s is %s, not %s",
		quoted(want.ID), ErrConflict, c.ownerLabel, quoted(owner), quoted(wanted))
}

// lastAttributes puts right, while that can still be done, what an archived project keeps. Archiving must not wait for it.
func (c *Client) lastAttributes(ctx context.Context, want Project) {
	ctx, cancel := context.WithTimeout(ctx, lastAttributesTimeout)
	defer cancel()
	_, _ = c.ensureAttributes(ctx, want)
}

// completed says of what is left alone that it shall stay as it is: an update of Flyte 2 would clear it.
func (c *Client) completed(want Project, have *admin.Project) Project {
	want.Name = cmp.Or(want.Name, have.GetName())
	if !c.wanted.clearsText() {
		want.Description = cmp.Or(want.Description, have.GetDescription())
	}
	return want
}

func (p Project) differs(have *admin.Project) bool {
	return p.Name != have.GetName() ||
		p.Description != have.GetDescription() ||
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
