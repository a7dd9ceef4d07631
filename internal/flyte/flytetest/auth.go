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

// Auth is how a Flyte with authentication wants to be asked (flyteadmin/auth/handlers.go, flyteidl/protos/flyteidl/service/auth.proto).
type Auth struct {
	// MetadataKey is where the token goes; TokenURL, Audience and Scopes are what clients are told.
	MetadataKey, TokenURL, Audience string
	Scopes                          []string
	// Accepts tells whether a token is good.
	Accepts func(token string) bool
}

// authority is the part of a server that asks for tokens, once it was told to.
type authority struct{ auth atomic.Pointer[Auth] }

// RequireToken refuses from now on every call without a good token, but for those that tell how to get one. Repeated, it
// changes what is good.
func (a *authority) RequireToken(auth Auth) { a.auth.Store(&auth) }

func (a *authority) intercept(ctx context.Context, request any, call *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	auth := a.auth.Load()
	if auth == nil || strings.HasSuffix(path.Dir(call.FullMethod), ".AuthMetadataService") {
		return handle(ctx, request)
	}
	for _, shown := range metadata.ValueFromIncomingContext(ctx, auth.MetadataKey) {
		if token, ok := strings.CutPrefix(shown, "Bearer "); ok && auth.Accepts(token) {
			return handle(ctx, request)
		}
	}
	return nil, status.Error(codes.Unauthenticated, "token parse error [JWT_VERIFICATION_FAILED]")
}

// authMetadata answers Unimplemented until a token is required: FlyteAdmin serves it only then.
type authMetadata struct {
	service.UnimplementedAuthMetadataServiceServer

	authority *authority
}

// GetOAuth2Metadata tells where tokens are given.
func (m *authMetadata) GetOAuth2Metadata(
	ctx context.Context, request *service.OAuth2MetadataRequest,
) (*service.OAuth2MetadataResponse, error) {
	auth := m.authority.auth.Load()
	if auth == nil {
		return m.UnimplementedAuthMetadataServiceServer.GetOAuth2Metadata(ctx, request)
	}
	return &service.OAuth2MetadataResponse{TokenEndpoint: auth.TokenURL}, nil
}

// GetPublicClientConfig tells where tokens go.
func (m *authMetadata) GetPublicClientConfig(
	ctx context.Context, request *service.PublicClientAuthConfigRequest,
) (*service.PublicClientAuthConfigResponse, error) {
	auth := m.authority.auth.Load()
	if auth == nil {
		return m.UnimplementedAuthMetadataServiceServer.GetPublicClientConfig(ctx, request)
	}
	return &service.PublicClientAuthConfigResponse{
		Scopes: auth.Scopes, AuthorizationMetadataKey: auth.MetadataKey, Audience: auth.Audience,
	}, nil
}

// authMetadataV2 is the description of the same service under Flyte 2's name; its messages have the same numbers on the wire
// (flyteidl2/auth/auth_service.proto).
func authMetadataV2() *grpc.ServiceDesc {
	description := service.AuthMetadataService_ServiceDesc
	description.ServiceName = "flyteidl2.auth.AuthMetadataService"
	return &description
}
