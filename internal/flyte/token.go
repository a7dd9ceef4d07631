package flyte

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// refreshMargin is how long before its expiry a token is refreshed, or a tenth of its lifetime if that is less.
	refreshMargin = time.Minute
	// minRejectedAge is how old a token must be to be replaced when Flyte rejects it: a new one would be rejected, too.
	minRejectedAge = 10 * time.Second
)

// ClientCredentials are those of OAuth 2.0 (RFC 6749, section 4.4).
type ClientCredentials struct {
	ID string
	// Secret is called for every token.
	Secret func() (string, error)
	// TokenURL is discovered from Flyte if it is empty.
	TokenURL string
	// Scopes are those that Flyte announces if there are none.
	Scopes []string
}

// token is an access token with its metadata key. Both times are zero if it has no expiry.
type token struct {
	metadataKey, accessToken string
	fetched, refresh, expiry time.Time
}

func newToken(metadataKey string, from *oauth2.Token) *token {
	t := &token{metadataKey: metadataKey, accessToken: from.AccessToken, fetched: time.Now(), expiry: from.Expiry}
	if !t.expiry.IsZero() {
		t.refresh = t.expiry.Add(-min(refreshMargin, t.expiry.Sub(t.fetched)/10))
	}
	return t
}

func (t *token) isFresh() bool {
	return t != nil && (t.refresh.IsZero() || time.Now().Before(t.refresh))
}

func (t *token) isValid() bool { return t != nil && time.Now().Before(t.expiry) }

// tokenSource fetches tokens, one at a time, and keeps the current one.
type tokenSource struct {
	credentials ClientCredentials
	discover    func(context.Context) (tokenEndpoint, error)
	client      func(tokenURL string) (*http.Client, error)
	current     atomic.Pointer[token]

	// fetching guards endpoint, which is nil until it is discovered and after a failure.
	fetching *semaphore.Weighted
	endpoint *tokenEndpoint
}

func newTokenSource(credentials ClientCredentials, t *TLS) *tokenSource {
	return &tokenSource{credentials: credentials, client: t.tokenClient, fetching: semaphore.NewWeighted(1)}
}

// interceptor adds a token to every call but those of discovery.
func (s *tokenSource) interceptor() grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		call := func(ctx context.Context) error { return invoke(ctx, method, request, response, conn, options...) }
		if strings.Contains(method, ".AuthMetadataService/") {
			return call(ctx)
		}
		return s.withToken(ctx, call)
	}
}

// withToken makes a call, and repeats it with another token if Flyte rejects one that is not new.
func (s *tokenSource) withToken(ctx context.Context, call func(context.Context) error) error {
	for {
		current, err := s.currentToken(ctx)
		if err != nil {
			return err
		}
		err = call(metadata.AppendToOutgoingContext(ctx, current.metadataKey, "Bearer "+current.accessToken))
		if status.Code(err) != codes.Unauthenticated || time.Since(current.fetched) < minRejectedAge {
			return err
		}
		s.current.CompareAndSwap(current, nil)
	}
}

// currentToken returns a fresh token, or one that is still valid if no other can be fetched.
func (s *tokenSource) currentToken(ctx context.Context) (*token, error) {
	if current := s.current.Load(); current.isFresh() {
		return current, nil
	}
	if s.fetching.Acquire(ctx, 1) != nil {
		return nil, fmt.Errorf("waiting for a token: %w", ErrTokenUnavailable)
	}
	defer s.fetching.Release(1)
	current := s.current.Load()
	if current.isFresh() { // another call has fetched it meanwhile
		return current, nil
	}
	fetched, err := s.fetch(ctx)
	switch {
	case err == nil:
		s.current.Store(fetched)
		return fetched, nil
	case current.isValid():
		return current, nil
	}
	return nil, err
}

func (s *tokenSource) fetch(ctx context.Context) (*token, error) {
	endpoint, err := s.takeEndpoint(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := s.credentials.Secret()
	if err != nil {
		return nil, fmt.Errorf("%w: reading the client secret: %w", ErrTokenUnavailable, err)
	}
	client, err := s.client(endpoint.url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTokenUnavailable, err)
	}
	config := endpoint.config(s.credentials.ID, secret)
	fetched, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return nil, tokenError(err)
	}
	s.endpoint = endpoint
	return newToken(endpoint.metadataKey, fetched), nil
}

// takeEndpoint returns the token endpoint, and has it discovered again, unless a token can be fetched from it.
func (s *tokenSource) takeEndpoint(ctx context.Context) (*tokenEndpoint, error) {
	if endpoint := s.endpoint; endpoint != nil {
		s.endpoint = nil
		return endpoint, nil
	}
	discovered, err := s.discover(ctx)
	if err != nil {
		return nil, err
	}
	return &discovered, nil
}

func (e *tokenEndpoint) config(clientID, secret string) *clientcredentials.Config {
	config := &clientcredentials.Config{ClientID: clientID, ClientSecret: secret, TokenURL: e.url, Scopes: e.scopes}
	if e.audience != "" {
		config.EndpointParams = url.Values{"audience": {e.audience}}
	}
	return config
}

// tokenError repeats only status and error code of the token endpoint's response: the rest may hold secrets.
func tokenError(err error) error {
	if kind := certificateError(err); kind != nil {
		return fmt.Errorf("fetching a token: %w", kind)
	}
	response, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("fetching a token: %w: the token endpoint gave no usable response", ErrTokenUnavailable)
	}
	kind := ErrTokenUnavailable
	switch response.Response.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		kind = ErrTokenRefused
	}
	return fmt.Errorf("fetching a token: %w: %d %s", kind, response.Response.StatusCode, shown(response.ErrorCode))
}
