package flyte

import (
	"context"
	"fmt"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// defaultMetadataKey is the gRPC metadata key of the token unless Flyte names another.
const defaultMetadataKey = "authorization"

// tokenEndpoint says where and how to fetch a token, and under which metadata key to send it.
type tokenEndpoint struct {
	url, metadataKey, audience string
	scopes                     []string
}

// discovery asks Flyte's AuthMetadataService, which needs no token. Flyte 2 serves the same messages under another name
// (flyteidl2/auth/auth_service.proto).
type discovery struct {
	conn        *grpc.ClientConn
	api         API
	credentials ClientCredentials
}

// discover completes the configuration by Flyte's answers. A Flyte behind an authenticating proxy may lack the service: then a
// token URL must be configured.
func (d *discovery) discover(ctx context.Context) (tokenEndpoint, error) {
	endpoint := tokenEndpoint{url: d.credentials.TokenURL, metadataKey: defaultMetadataKey, scopes: d.credentials.Scopes}
	var client service.PublicClientAuthConfigResponse
	if err := d.call(ctx, "GetPublicClientConfig", &service.PublicClientAuthConfigRequest{}, &client); err != nil {
		return tokenEndpoint{}, err
	}
	if key := client.GetAuthorizationMetadataKey(); key != "" {
		endpoint.metadataKey = key
	}
	endpoint.audience = client.GetAudience()
	if len(endpoint.scopes) == 0 {
		endpoint.scopes = client.GetScopes()
	}
	if endpoint.url != "" {
		return endpoint, nil
	}
	var server service.OAuth2MetadataResponse
	if err := d.call(ctx, "GetOAuth2Metadata", &service.OAuth2MetadataRequest{}, &server); err != nil {
		return tokenEndpoint{}, err
	}
	if endpoint.url = server.GetTokenEndpoint(); endpoint.url == "" {
		return tokenEndpoint{}, fmt.Errorf("%w: Flyte announces no token endpoint and none is configured", ErrTokenUnavailable)
	}
	return endpoint, nil
}

// call leaves the response empty where Flyte lacks the method.
func (d *discovery) call(ctx context.Context, method string, request, response any) error {
	name := "/flyteidl.service.AuthMetadataService/"
	if d.api == V2 {
		name = "/flyteidl2.auth.AuthMetadataService/"
	}
	err := d.conn.Invoke(ctx, name+method, request, response)
	if status.Code(err) == codes.Unimplemented {
		return nil
	}
	return err
}
