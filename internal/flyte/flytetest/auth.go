package flytetest

import (
	"context"
	"path"
	"strings"
	"sync/atomic"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Auth configures a Flyte with authentication (flyteadmin/auth/handlers.go, flyteidl/protos/flyteidl/service/auth.proto).
type Auth struct {
	// MetadataKey is the gRPC metadata key of the token. TokenURL, Audience and Scopes are announced to clients.
	MetadataKey, TokenURL, Audience string
	Scopes                          []string
	// Accepts reports whether a token is valid.
	Accepts func(token string) bool
}

// authenticator requires tokens after RequireToken.
type authenticator struct{ auth atomic.Pointer[Auth] }

// RequireToken refuses every call without a valid token from now on, except those of AuthMetadataService. Calling it again replaces the
// configuration.
func (a *authenticator) RequireToken(auth Auth) { a.auth.Store(&auth) }

func (a *authenticator) intercept(ctx context.Context, request any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	auth := a.auth.Load()
	if auth == nil || strings.HasSuffix(path.Dir(call.FullMethod), ".AuthMetadataService") {
		return handle(ctx, request)
	}
	for _, value := range metadata.ValueFromIncomingContext(ctx, auth.MetadataKey) {
		if token, ok := strings.CutPrefix(value, "Bearer "); ok && auth.Accepts(token) {
			return handle(ctx, request)
		}
	}
	return nil, status.Error(codes.Unauthenticated, "token parse error [JWT_VERIFICATION_FAILED]")
}

// authMetadata is Unimplemented until a token is required, as in FlyteAdmin.
type authMetadata struct {
	service.UnimplementedAuthMetadataServiceServer

	authenticator *authenticator
}

// GetOAuth2Metadata returns the token endpoint.
func (m *authMetadata) GetOAuth2Metadata(
	ctx context.Context, request *service.OAuth2MetadataRequest,
) (*service.OAuth2MetadataResponse, error) {
	auth := m.authenticator.auth.Load()
	if auth == nil {
		return m.UnimplementedAuthMetadataServiceServer.GetOAuth2Metadata(ctx, request)
	}
	return &service.OAuth2MetadataResponse{TokenEndpoint: auth.TokenURL}, nil
}

// GetPublicClientConfig returns the metadata key, audience and scopes.
func (m *authMetadata) GetPublicClientConfig(
	ctx context.Context, request *service.PublicClientAuthConfigRequest,
) (*service.PublicClientAuthConfigResponse, error) {
	auth := m.authenticator.auth.Load()
	if auth == nil {
		return m.UnimplementedAuthMetadataServiceServer.GetPublicClientConfig(ctx, request)
	}
	return &service.PublicClientAuthConfigResponse{
		Scopes: auth.Scopes, AuthorizationMetadataKey: auth.MetadataKey, Audience: auth.Audience,
	}, nil
}

// authMetadataV2 describes the same service under Flyte 2's name; its messages have the same field numbers
// (flyteidl2/auth/auth_service.proto).
func authMetadataV2() *grpc.ServiceDesc {
	description := service.AuthMetadataService_ServiceDesc
	description.ServiceName = "flyteidl2.auth.AuthMetadataService"
	return &description
}
