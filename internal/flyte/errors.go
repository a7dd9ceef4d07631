package flyte

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// The five kinds of error. Under errors.Is, every error of a call is exactly one of them, or context.Canceled if the caller canceled.
var (
	// ErrUnavailable: Flyte did not do it and may later. Every error of no other kind is this one: while its database is down, FlyteAdmin
	// answers Internal, Unknown or, with the texts of isDatabaseFault, InvalidArgument (flyteadmin/pkg/repositories/errors/postgres.go),
	// and a proxy in front of it answers Unimplemented.
	ErrUnavailable = errors.New("unavailable for now")
	// ErrConflict: a project with this id exists and has another owner. The client did not touch it.
	ErrConflict = errors.New("owned by someone else")
	// ErrInvalid: Flyte will never accept this request; the text says why.
	ErrInvalid = errors.New("refused by Flyte")
	// ErrUnauthorized: Flyte does not accept the client's credentials, or they lack a permission.
	ErrUnauthorized = errors.New("credentials refused by Flyte")
	// ErrWrongVersion: the server speaks the other API.
	ErrWrongVersion = errors.New("not the configured version of Flyte's API")
)

// Finer kinds, each of which wraps one of the five.
var (
	// ErrUnauthenticated is ErrUnauthorized for every call: Flyte does not accept the credentials at all.
	ErrUnauthenticated = fmt.Errorf("unauthenticated: %w", ErrUnauthorized)
	// ErrNotFlyte is ErrUnavailable: the endpoint is not Flyte but, for example, a web server or a proxy without a route to Flyte.
	ErrNotFlyte = fmt.Errorf("the endpoint is not Flyte: %w", ErrUnavailable)
	// ErrUnknownDomain is ErrInvalid: Flyte does not have the domain.
	ErrUnknownDomain = fmt.Errorf("unknown domain: %w", ErrInvalid)
	// ErrTokenRefused is ErrUnauthenticated: the token endpoint does not accept the client's id or secret.
	ErrTokenRefused = fmt.Errorf("the token endpoint refused the client: %w", ErrUnauthenticated)
	// ErrTokenUnavailable is ErrUnavailable: the token endpoint is not known or does not answer.
	ErrTokenUnavailable = fmt.Errorf("no token available: %w", ErrUnavailable)
	// ErrCertificateExpired is ErrUnavailable: the certificate of Flyte, or of the token endpoint, is expired or not valid yet.
	ErrCertificateExpired = fmt.Errorf("the certificate is expired or not valid yet: %w", ErrUnavailable)
	// ErrCertificateName is ErrUnavailable: that certificate does not have the endpoint's name.
	ErrCertificateName = fmt.Errorf("the certificate has another name: %w", ErrUnavailable)
	// ErrCertificateUntrusted is ErrUnavailable: no trusted CA has issued that certificate.
	ErrCertificateUntrusted = fmt.Errorf("the certificate is not from a trusted CA: %w", ErrUnavailable)
	// ErrClientCertificate is ErrUnavailable: Flyte does not accept the client's certificate, or requires one.
	ErrClientCertificate = fmt.Errorf("the client certificate is not accepted: %w", ErrUnavailable)
)

// maxMessage bounds what an error repeats of Flyte's message, in bytes.
const maxMessage = 256

// shown returns what an error repeats of a text from the network.
func shown(text string) string { return printable.Text(text, maxMessage) }

// wrap turns the error of a gRPC call made with ctx into one of the kinds. Only the caller can cancel ctx; any other Canceled comes
// from Flyte.
func wrap(ctx context.Context, doing string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnauthorized) { // from fetching a token, or from a handshake
		return fmt.Errorf("%s: %w", doing, err)
	}
	s := status.Convert(err)
	return fmt.Errorf("%s: %w: %s: %s", doing, kind(s), s.Code(), shown(s.Message()))
}

func kind(s *status.Status) error {
	switch s.Code() {
	case codes.InvalidArgument, codes.OutOfRange:
		return invalidKind(s.Message())
	case codes.Unauthenticated:
		return ErrUnauthenticated
	case codes.PermissionDenied:
		return ErrUnauthorized
	case codes.Unimplemented:
		return ErrNotFlyte
	default:
		if isNotGRPC(s) {
			return ErrNotFlyte
		}
		return ErrUnavailable
	}
}

// isNotGRPC recognizes a server that does not speak gRPC by the messages of google.golang.org/grpc/internal/transport and
// golang.org/x/net/http2. A 502, 503 or 504 of a proxy while Flyte is down is plain Unavailable.
func isNotGRPC(s *status.Status) bool {
	if s.Code() == codes.Unavailable {
		return strings.Contains(s.Message(), "looked like an HTTP/1.1 header")
	}
	return strings.Contains(s.Message(), "unexpected HTTP status code received from server") ||
		strings.Contains(s.Message(), "received unexpected content-type")
}

func invalidKind(message string) error {
	switch {
	case isDatabaseFault(message):
		return ErrUnavailable
	case strings.HasPrefix(message, "domain [") && strings.HasSuffix(message, "] is unrecognized by system"):
		return ErrUnknownDomain
	}
	return ErrInvalid
}

// isDatabaseFault recognizes an InvalidArgument that is not about the request. FlyteAdmin answers it for a missing table
// (flyteadmin/pkg/repositories/errors/postgres.go). It also answers it for any database error while it checks that a project exists,
// before it reads or writes attributes (flyteadmin/pkg/manager/impl/validation/project_validator.go): there the project does exist,
// since the client has just read it.
func isDatabaseFault(message string) bool {
	return strings.HasPrefix(message, "cannot query with specified table attributes: ") ||
		strings.HasPrefix(message, "failed to validate that project [") && strings.Contains(message, ", err: [")
}
