package flyte

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// earlyRefresh is how long before its end a token is replaced, or a tenth of its life where that is less.
	earlyRefresh = time.Minute
	// suspectAfter is how old a token must be that Flyte refuses, for another to be worth trying.
	suspectAfter = 10 * time.Second
)

// ClientCredentials are those of OAuth 2.0 (RFC 6749, section 4.4).
type ClientCredentials struct {
	ID string
	// Secret is asked whenever a token is fetched.
	Secret func() (string, error)
	// TokenURL is discovered from Flyte where it is empty.
	TokenURL string
	// Scopes are those that Flyte names where there are none.
	Scopes []string
}

// tokens gives every call a token. One is fetched at a time, before the last one ends.
type tokens struct {
	credentials ClientCredentials
	discover    func(context.Context) (discovered, error)
	client      func(tokenURL string) (*http.Client, error)

	// turn holds one place: who has it may fetch, and use what follows.
	turn  chan struct{}
	place *discovered
	// newest is read by everyone.
	newest newest
}

// granted is a token and how to show it.
type granted struct {
	key, token                string
	fetched, refresh, expires time.Time
}

// interceptor adds the token to every call but those that are anonymous, which are asked for the way to a token.
func (t *tokens) interceptor() grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		call := func(ctx context.Context) error { return invoke(ctx, method, request, answer, conn, options...) }
		if strings.Contains(method, ".AuthMetadataService/") {
			return call(ctx)
		}
		return t.with(ctx, call)
	}
}

// with makes a call with a token. One that Flyte refuses is replaced once, if it is not quite new.
func (t *tokens) with(ctx context.Context, call func(context.Context) error) error {
	for {
		have, err := t.current(ctx)
		if err != nil {
			return err
		}
		err = call(metadata.AppendToOutgoingContext(ctx, have.key, "Bearer "+have.token))
		if status.Code(err) != codes.Unauthenticated || time.Since(have.fetched) < suspectAfter {
			return err
		}
		t.newest.drop(have)
	}
}

// current is a token that is good for some time, or at least still good where another can't be had.
func (t *tokens) current(ctx context.Context) (*granted, error) {
	have := t.newest.get()
	if have.fresh() {
		return have, nil
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a token: %w", ErrTokenUnavailable)
	}
	if have = t.newest.get(); have.fresh() { // somebody else was first
		return have, nil
	}
	fetched, err := t.fetch(ctx)
	if err == nil {
		t.newest.set(fetched)
		return fetched, nil
	}
	if have.usable() {
		return have, nil
	}
	return nil, err
}

func (g *granted) fresh() bool {
	return g != nil && (g.refresh.IsZero() || time.Now().Before(g.refresh))
}
func (g *granted) usable() bool { return g != nil && time.Now().Before(g.expires) }

func (t *tokens) fetch(ctx context.Context) (*granted, error) {
	if t.place == nil {
		place, err := t.discover(ctx)
		if err != nil {
			return nil, err
		}
		t.place = &place
	}
	place := *t.place
	t.place = nil // what fails may have moved
	secret, err := t.credentials.Secret()
	if err != nil {
		return nil, fmt.Errorf("%w: reading the client secret: %w", ErrTokenUnavailable, err)
	}
	client, err := t.client(place.tokenURL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTokenUnavailable, err)
	}
	config := clientcredentials.Config{
		ClientID: t.credentials.ID, ClientSecret: secret, TokenURL: place.tokenURL, Scopes: place.scopes,
	}
	if place.audience != "" {
		config.EndpointParams = url.Values{"audience": {place.audience}}
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return nil, tokenFailure(err)
	}
	t.place = &place
	return grant(place.key, token), nil
}

// grant plans the refresh. A token that tells no end is used until Flyte refuses it.
func grant(key string, token *oauth2.Token) *granted {
	g := &granted{key: key, token: token.AccessToken, fetched: time.Now(), expires: token.Expiry}
	if !g.expires.IsZero() {
		g.refresh = g.expires.Add(-min(earlyRefresh, g.expires.Sub(g.fetched)/10))
	}
	return g
}

// tokenFailure never repeats what the token endpoint says beside its status and its code: that may hold secrets.
func tokenFailure(err error) error {
	if kind := handshakeKind(err); kind != nil {
		return fmt.Errorf("fetching a token: %w", kind)
	}
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("fetching a token: %w: the token endpoint gave no usable answer", ErrTokenUnavailable)
	}
	kind := ErrTokenUnavailable
	switch answer.Response.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		kind = ErrTokenRefused
	}
	return fmt.Errorf("fetching a token: %w: %d %s", kind, answer.Response.StatusCode, printable(answer.ErrorCode))
}
