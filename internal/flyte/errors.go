package flyte

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The kinds of error; every error of the client's calls is exactly one of these under errors.Is, or context.Canceled when the
// caller gave up.
var (
	// ErrUnavailable: Flyte did not do it and may later. Everything that is none of the other kinds is this one: FlyteAdmin
	// answers Internal, Unknown or, in the words of isDatabaseFault, InvalidArgument while its database is away
	// (flyteadmin/pkg/repositories/errors/postgres.go), and a proxy in front of it Unimplemented.
	ErrUnavailable = errors.New("unavailable for now")
	// ErrConflict: a project of that id exists and is not ours. It was not touched.
	ErrConflict = errors.New("taken by someone else")
	// ErrInvalid: Flyte will never accept this; the text says why. Only another request can help.
	ErrInvalid = errors.New("refused by Flyte")
	// ErrUnauthorized: Flyte does not accept our credentials, or they lack the right.
	ErrUnauthorized = errors.New("credentials refused by Flyte")
	// ErrWrongVersion: the other API answers.
	ErrWrongVersion = errors.New("another version of Flyte's API than was asked for")
)

// Finer kinds, each of which is one of those above too.
var (
	// ErrUnauthenticated is ErrUnauthorized of every call: Flyte does not accept our credentials at all.
	ErrUnauthenticated = fmt.Errorf("unauthenticated: %w", ErrUnauthorized)
	// ErrNotFlyte is ErrUnavailable: what answers at the endpoint is no Flyte, such as a web server or a proxy without a route to it.
	ErrNotFlyte = fmt.Errorf("what answers is no Flyte: %w", ErrUnavailable)
	// ErrUnknownDomain is ErrInvalid: Flyte does not have the domain.
	ErrUnknownDomain = fmt.Errorf("a domain that it does not have: %w", ErrInvalid)
	// ErrTokenRefused is ErrUnauthenticated: the token endpoint does not accept the client's id or secret.
	ErrTokenRefused = fmt.Errorf("no token is given: %w", ErrUnauthenticated)
	// ErrTokenUnavailable is ErrUnavailable: the token endpoint is not known or does not answer.
	ErrTokenUnavailable = fmt.Errorf("no token can be had: %w", ErrUnavailable)
	// ErrCertificateExpired is ErrUnavailable: the certificate of Flyte, or of the token endpoint, is not valid now.
	ErrCertificateExpired = fmt.Errorf("the certificate is not valid now: %w", ErrUnavailable)
	// ErrCertificateName is ErrUnavailable: it is for another name than the endpoint's.
	ErrCertificateName = fmt.Errorf("the certificate is for another name: %w", ErrUnavailable)
	// ErrCertificateUntrusted is ErrUnavailable: no CA that is trusted stands behind it.
	ErrCertificateUntrusted = fmt.Errorf("the certificate is of no trusted authority: %w", ErrUnavailable)
	// ErrClientCertificate is ErrUnavailable: Flyte does not accept our certificate, or wants one.
	ErrClientCertificate = fmt.Errorf("our certificate is not accepted: %w", ErrUnavailable)
)

// maxReason bounds, in characters, what of Flyte's own words goes into an error.
const maxReason = 256

// failure turns the error of one call, made with ctx, into one of the kinds. Only the caller can cancel ctx, so what else says
// Canceled came from Flyte.
func failure(ctx context.Context, doing string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnauthorized) { // of our own making, on the way to a token
		return fmt.Errorf("%s: %w", doing, err)
	}
	answer := status.Convert(err)
	return fmt.Errorf("%s: %w: %s: %s", doing, kind(answer), answer.Code(), printable(answer.Message()))
}

func kind(answer *status.Status) error {
	switch answer.Code() {
	case codes.InvalidArgument, codes.OutOfRange:
		return invalidKind(answer.Message())
	case codes.Unauthenticated:
		return ErrUnauthenticated
	case codes.PermissionDenied:
		return ErrUnauthorized
	case codes.Unimplemented:
		return ErrNotFlyte
	default:
		if isNotGRPC(answer) {
			return ErrNotFlyte
		}
		return ErrUnavailable
	}
}

// isNotGRPC recognises, by the words of google.golang.org/grpc/internal/transport and golang.org/x/net/http2, a server that does not
// speak gRPC. A proxy that says that Flyte is away, with 502, 503 or 504, is Unavailable to gRPC and is not meant.
func isNotGRPC(answer *status.Status) bool {
	if answer.Code() == codes.Unavailable {
		return strings.Contains(answer.Message(), "looked like an HTTP/1.1 header")
	}
	return strings.Contains(answer.Message(), "unexpected HTTP status code received from server") ||
		strings.Contains(answer.Message(), "received unexpected content-type")
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

// isDatabaseFault recognises InvalidArgument that says nothing of the request: FlyteAdmin answers it for a missing table
// (flyteadmin/pkg/repositories/errors/postgres.go), and for every error of its database while it checks that a project exists before it
// reads or writes attributes (flyteadmin/pkg/manager/impl/validation/project_validator.go). The client asks for attributes only of
// projects that Flyte has just shown.
func isDatabaseFault(message string) bool {
	return strings.HasPrefix(message, "cannot query with specified table attributes: ") ||
		strings.HasPrefix(message, "failed to validate that project [") && strings.Contains(message, ", err: [")
}

// printable makes text from the network fit for a log line or a condition: bounded, valid UTF-8, without control or format
// characters (those also hold the bidirectional overrides).
func printable(text string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.In(r, unicode.C, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(clean); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return clean
}
