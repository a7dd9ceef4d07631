package flyte

import (
	"context"
	"fmt"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// defaultMetadataKey is where a token goes unless Flyte says otherwise.
const defaultMetadataKey = "authorization"

// discovered is how to get a token, and how to show it.
type discovered struct {
	tokenURL, key, audience string
	scopes                  []string
}

// discovery asks Flyte's AuthMetadataService, which is anonymous. Flyte 2 serves the same messages under another name
// (flyteidl2/auth/auth_service.proto).
type discovery struct {
	conn        *grpc.ClientConn
	api         API
	credentials ClientCredentials
}

// discover is what was configured, completed by what Flyte says. A Flyte without the service, behind a proxy that does
// the authentication, is asked in vain: then there must be a token URL.
func (d *discovery) discover(ctx context.Context) (discovered, error) {
	found := discovered{tokenURL: d.credentials.TokenURL, key: defaultMetadataKey, scopes: d.credentials.Scopes}
	var client service.PublicClientAuthConfigResponse
	err := d.ask(ctx, "GetPublicClientConfig", &service.PublicClientAuthConfigRequest{}, &client)
	if err != nil {
		return discovered{}, err
	}
	if key := client.GetAuthorizationMetadataKey(); key != "" {
		found.key = key
	}
	found.audience = client.GetAudience()
	if len(found.scopes) == 0 {
		found.scopes = client.GetScopes()
	}
	if found.tokenURL != "" {
		return found, nil
	}
	var server service.OAuth2MetadataResponse
	if err := d.ask(ctx, "GetOAuth2Metadata", &service.OAuth2MetadataRequest{}, &server); err != nil {
		return discovered{}, err
	}
	if found.tokenURL = server.GetTokenEndpoint(); found.tokenURL == "" {
		return discovered{}, fmt.Errorf("%w: Flyte names no token endpoint, and none is configured", ErrTokenUnavailable)
	}
	return found, nil
}

func (d *discovery) ask(ctx context.Context, method string, request, answer any) error {
	name := "/flyteidl.service.AuthMetadataService/"
	if d.api == V2 {
		name = "/flyteidl2.auth.AuthMetadataService/"
	}
	err := d.conn.Invoke(ctx, name+method, request, answer)
	if status.Code(err) == codes.Unimplemented {
		return nil
	}
	return err
}
