package flyte

import (
	"context"
	"fmt"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// API is a version of Flyte's API. The zero value is V1.
type API string

// The versions that a Client can speak.
const (
	// V1 is flyteidl.service.AdminService, FlyteAdmin of Flyte 1.
	V1 API = "v1"
	// V2 is flyteidl2.project.ProjectService, Flyte 2.
	V2 API = "v2"
)

// reader reads projects. Projects have the same fields in both versions; the client uses the type of Flyte 1. Errors are gRPC's own.
type reader interface {
	getProject(ctx context.Context, id string) (*admin.Project, error)
	// listPage calls each with every project of a page, archived ones included. Pages are ordered by id.
	listPage(ctx context.Context, token string, each func(*admin.Project)) (*listResponse, error)
	version(ctx context.Context) (string, error)
	// domains returns the ids of Flyte's domains, nil if Flyte does not list them.
	domains(ctx context.Context) ([]string, error)
}

// writer writes projects. An update may clear every field that it leaves empty.
type writer interface {
	createProject(ctx context.Context, project *admin.Project) error
	updateProject(ctx context.Context, project *admin.Project) error
	// clearsText reports whether an update with an empty name or description clears it.
	clearsText() bool
}

// server is one version of Flyte.
type server interface {
	reader
	writer
}

func (c *Client) selectAPI(api API) error {
	one := v1{c.conn, service.NewAdminServiceClient(c.conn)}
	two := v2{c.conn, flyteidl2.NewProjectServiceClient(c.conn)}
	switch api {
	case V1, "":
		c.active, c.alternative, c.attributes = one, two, one
	case V2:
		c.active, c.alternative = two, one
	default:
		return fmt.Errorf("unknown API version %q", api)
	}
	return nil
}

// Version returns the version that FlyteAdmin reports, or "v2" for Flyte 2, which reports none. If the server speaks the other API,
// the error is ErrWrongVersion.
func (c *Client) Version(ctx context.Context) (string, error) {
	version, err := c.active.version(ctx)
	if err != nil {
		return "", c.wrap(ctx, "reading the version of Flyte", err)
	}
	return shown(version), nil
}

// noProject is an id that no project has: it is not a DNS label.
const noProject = "-"

// ServerInfo describes the Flyte at the endpoint.
type ServerInfo struct {
	// Version is that of [Client.Version].
	Version string
	// Domains are the ids of Flyte's domains. A Flyte 2 without projects does not list them.
	Domains []string
}

// Probe reads what Flyte is, and checks that its database answers: FlyteAdmin reports its version and domains without it.
func (c *Client) Probe(ctx context.Context) (info ServerInfo, err error) {
	if info.Version, err = c.Version(ctx); err != nil {
		return ServerInfo{}, err
	}
	if info.Domains, err = c.active.domains(ctx); err != nil && status.Code(err) != codes.Unimplemented {
		return ServerInfo{}, c.wrap(ctx, "reading the domains of Flyte", err)
	}
	if _, err = c.getProject(ctx, noProject); err != nil {
		return ServerInfo{}, err
	}
	return info, nil
}

// wrap turns the error of a call into one of the kinds. If the server does not know the method, it tries the other API.
func (c *Client) wrap(ctx context.Context, doing string, err error) error {
	if status.Code(err) == codes.Unimplemented {
		if version, otherErr := c.alternative.version(ctx); otherErr == nil {
			return fmt.Errorf("%s: %w: the endpoint is Flyte %s", doing, ErrWrongVersion, shown(version))
		}
	}
	if handshakeErr := c.credentials.handshakeError(); handshakeErr != nil && status.Code(err) == codes.Unavailable {
		err = handshakeErr
	}
	return wrap(ctx, doing, err)
}
