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

// The bounds of a project in FlyteAdmin; more is ErrInvalid. Lengths are in bytes, not characters
// (flyteadmin/pkg/manager/impl/validation/project_validator.go and validation.go).
const (
	MaxNameBytes        = 64
	MaxDescriptionBytes = 300
)

// archiveAttributesTimeout is how long writing attributes may delay archiving.
const archiveAttributesTimeout = time.Second

// Project is the desired state of a Flyte project.
type Project struct {
	// ID is a DNS-1123 label and never changes.
	ID string
	// Name and Description, if empty, stay as they are in Flyte 1, which can't clear them. Flyte 2 clears the description. A new project
	// without a name gets its id as its name, since Flyte requires one.
	Name, Description string
	// Labels are all labels of the project, the owner label among them. Flyte only replaces the whole set, so labels that someone else
	// added are removed.
	Labels map[string]string
	// Archived projects accept no new executions. Flyte can't delete a project.
	Archived bool
	// OnlyExisting prevents that a missing project is registered.
	OnlyExisting bool
	// Ours says that a project without an owner label belongs to the caller: it registered the project in this Flyte before, or a user
	// lets it adopt the project. Another owner's label is never overridden.
	Ours bool
	// Attributes are the desired attributes of each of Flyte's domains, by the domain's id. Only Flyte 1 has attributes. It does not let
	// those of an archived project be read or written, so they stay as they are.
	Attributes map[string]Attributes
	// OwnedKinds are kinds of attributes that were desired before, and are removed where they are not desired any more. The client
	// overwrites all attributes of a desired or owned kind in every domain of Attributes, and leaves other kinds alone.
	OwnedKinds []Kind
}

// EnsureProject makes Flyte's project as desired and reports whether it wrote anything. It registers, updates, archives or unarchives
// the project in at most one write, and then writes its attributes. Repeating it after any error is safe.
//
// A project with another owner label, or without one and not Ours, is ErrConflict and stays untouched. After several systemic failures
// in a row, EnsureProject fails at once for a while, with the last failure.
//
// Flyte has no conditional update, so two clients with different desired states overwrite each other.
func (c *Client) EnsureProject(ctx context.Context, desired Project) (changed bool, err error) {
	if err := c.validate(desired); err != nil {
		return false, err
	}
	return c.withBreaker(func() (bool, error) { return c.ensure(ctx, desired) })
}

func (c *Client) ensure(ctx context.Context, desired Project) (changed bool, err error) {
	actual, err := c.getProject(ctx, desired.ID)
	switch {
	case err != nil:
		return false, err
	case actual != nil:
		return c.update(ctx, actual, desired)
	case desired.OnlyExisting:
		return false, nil
	}
	return c.register(ctx, desired)
}

// validate refuses texts that would cause an error of the kind ErrUnavailable: gRPC can't send invalid UTF-8, and PostgreSQL can't
// store NUL.
func (c *Client) validate(desired Project) error {
	doing := "checking project " + quoted(desired.ID)
	if desired.Labels[c.ownerLabel] == "" {
		return fmt.Errorf("%s: %w: it lacks the owner label %s", doing, ErrInvalid, quoted(c.ownerLabel))
	}
	texts := []string{desired.ID, desired.Name, desired.Description}
	for key, value := range desired.Labels {
		texts = append(texts, key, value)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%s: %w: a text is not valid UTF-8 or contains NUL", doing, ErrInvalid)
		}
	}
	if desired.ID == "" {
		return fmt.Errorf("%s: %w: it has no id", doing, ErrInvalid)
	}
	return nil
}

// getProject returns nil if the project does not exist. It finds archived projects, too, which ListProjects without a filter does not
// (flyteadmin/pkg/repositories/gormimpl/project_repo.go).
func (c *Client) getProject(ctx context.Context, id string) (*admin.Project, error) {
	actual, err := c.active.getProject(ctx, id)
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, c.wrap(ctx, "reading project "+quoted(id), err)
	}
	return actual, nil
}

// register creates the project in its desired state: a project that is to be archived is never active
// (flyteadmin/pkg/repositories/transformers/project.go).
func (c *Client) register(ctx context.Context, desired Project) (changed bool, err error) {
	project := desired.toProto()
	project.Name = cmp.Or(project.GetName(), desired.ID)
	doing := "registering project " + quoted(desired.ID)
	switch err := c.active.createProject(ctx, project); {
	case status.Code(err) == codes.AlreadyExists: // registered since it was read
	case err != nil:
		return false, c.wrap(ctx, doing, err)
	case desired.Archived:
		return true, nil
	default:
		_, err := c.writeAttributes(ctx, desired, nil) // a new project has none
		return true, err
	}
	actual, err := c.getProject(ctx, desired.ID)
	if err != nil {
		return false, err
	}
	if actual == nil {
		return false, fmt.Errorf("%s: %w: Flyte reports both that it exists and that it does not", doing, ErrUnavailable)
	}
	return c.update(ctx, actual, desired)
}

func (c *Client) update(ctx context.Context, actual *admin.Project, desired Project) (changed bool, err error) {
	if err := c.checkOwner(actual, desired); err != nil {
		return false, err
	}
	desired = c.withKeptText(desired, actual)
	if desired.Archived && actual.GetState() != admin.Project_ARCHIVED {
		c.tryAttributes(ctx, desired)
	}
	if changed = desired.differs(actual); changed {
		if err := c.active.updateProject(ctx, desired.toProto()); err != nil {
			return false, c.wrap(ctx, "updating project "+quoted(desired.ID), err)
		}
	}
	if desired.Archived {
		return changed, nil
	}
	wrote, err := c.ensureAttributes(ctx, desired)
	return changed || wrote, err
}

// checkOwner refuses a project with another owner's label, and one without a label that is not known to be ours.
func (c *Client) checkOwner(actual *admin.Project, desired Project) error {
	actualOwner, owner := actual.GetLabels().GetValues()[c.ownerLabel], desired.Labels[c.ownerLabel]
	switch {
	case actualOwner == owner, actualOwner == "" && desired.Ours:
		return nil
	case actualOwner == "":
		return fmt.Errorf("taking over project %s: %w: it exists without the label %s=%s",
			quoted(desired.ID), ErrConflict, c.ownerLabel, owner)
	}
	return fmt.Errorf("taking over project %s: %w: its label %s is %s, not %s",
		quoted(desired.ID), ErrConflict, c.ownerLabel, quoted(actualOwner), quoted(owner))
}

// tryAttributes writes the attributes of a project that is about to be archived: afterwards Flyte refuses it. Archiving does not depend
// on it.
func (c *Client) tryAttributes(ctx context.Context, desired Project) {
	ctx, cancel := context.WithTimeout(ctx, archiveAttributesTimeout)
	defer cancel()
	_, _ = c.ensureAttributes(ctx, desired)
}

// withKeptText fills in the empty texts that stay as they are: an update of Flyte 2 would clear them.
func (c *Client) withKeptText(desired Project, actual *admin.Project) Project {
	desired.Name = cmp.Or(desired.Name, actual.GetName())
	if !c.active.clearsText() {
		desired.Description = cmp.Or(desired.Description, actual.GetDescription())
	}
	return desired
}

func (p Project) differs(actual *admin.Project) bool {
	return p.Name != actual.GetName() ||
		p.Description != actual.GetDescription() ||
		p.state() != actual.GetState() ||
		!maps.Equal(p.Labels, actual.GetLabels().GetValues())
}

// toProto always sets the state, since an update without one unarchives, and never the domains, which Flyte refuses.
func (p Project) toProto() *admin.Project {
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

func quoted(text string) string { return fmt.Sprintf("%q", shown(text)) }
