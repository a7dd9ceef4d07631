package flyte

import (
	"context"
	"fmt"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// API is a generation of Flyte's API. The zero value is V1.
type API string

// The APIs that a Client speaks, one at a time.
const (
	// V1 is flyteidl.service.AdminService, FlyteAdmin of Flyte 1.
	V1 API = "v1"
	// V2 is flyteidl2.project.ProjectService, Flyte 2.
	V2 API = "v2"
)

// reader reads projects as they are. Both versions' projects have the same fields, so that of Flyte 1 stands for both. Errors are
// gRPC's own.
type reader interface {
	get(ctx context.Context, id string) (*admin.Project, error)
	// page tells each project of one page of the projects by id, archived ones too.
	page(ctx context.Context, token string, each func(*admin.Project)) (*entries, error)
	version(ctx context.Context) (string, error)
	// domains are the ids of Flyte's domains, nil where it does not tell them.
	domains(ctx context.Context) ([]string, error)
}

// writer writes projects. An update that does not say what it leaves alone may clear it.
type writer interface {
	create(ctx context.Context, project *admin.Project) error
	update(ctx context.Context, project *admin.Project) error
	// clearsText tells whether an update with an empty name or description clears it.
	clearsText() bool
}

// server is one version of Flyte.
type server interface {
	reader
	writer
}

// servers are the version that is wanted, and the other one.
func servers(api API, conn *grpc.ClientConn) (wanted, other server, err error) {
	one, two := v1{conn, service.NewAdminServiceClient(conn)}, v2{conn, flyteidl2.NewProjectServiceClient(conn)}
	switch api {
	case V1, "":
		return one, two, nil
	case V2:
		return two, one, nil
	}
	return nil, nil, fmt.Errorf("there is no API %q", api)
}

// Version tells what answers: FlyteAdmin's own version as its build names it, or "v2" of a Flyte 2, which tells no more. Where
// the other API answers, the error is ErrWrongVersion and says so.
func (c *Client) Version(ctx context.Context) (string, error) {
	version, err := c.wanted.version(ctx)
	if err != nil {
		return "", c.failure(ctx, "reading the version of Flyte", err)
	}
	return printable(version), nil
}

// noProject is an id that no project has: it would be no DNS label.
const noProject = "-"

// Found is what answers at the endpoint.
type Found struct {
	// Version is that of Client.Version.
	Version string
	// Domains are the ids of Flyte's domains. A Flyte 2 without projects does not tell them.
	Domains []string
}

// Probe asks Flyte what it is, and whether its database answers: FlyteAdmin tells its version and its domains without.
func (c *Client) Probe(ctx context.Context) (found Found, err error) {
	if found.Version, err = c.Version(ctx); err != nil {
		return Found{}, err
	}
	if found.Domains, err = c.wanted.domains(ctx); err != nil && status.Code(err) != codes.Unimplemented {
		return Found{}, c.failure(ctx, "reading the domains of Flyte", err)
	}
	if _, err = c.look(ctx, noProject); err != nil {
		return Found{}, err
	}
	return found, nil
}

// failure turns the error of one call into one of the kinds. Where the server does not know the method, it looks whether the
// other API is there.
func (c *Client) failure(ctx context.Context, doing string, err error) error {
	if status.Code(err) == codes.Unimplemented {
		if version, otherErr := c.other.version(ctx); otherErr == nil {
			return fmt.Errorf("%s: %w: what answers is Flyte %s", doing, ErrWrongVersion, printable(version))
		}
	}
	if reason := c.transport.why(); reason != nil && status.Code(err) == codes.Unavailable {
		err = reason
	}
	return failure(ctx, doing, err)
}
