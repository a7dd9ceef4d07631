package flyte

import (
	"context"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestNewToken_RefreshesBeforeExpiry(t *testing.T) {
	t.Parallel()
	for lifetime, margin := range map[time.Duration]time.Duration{time.Hour: time.Minute, 5 * time.Minute: 30 * time.Second} {
		token := newToken("authorization", &oauth2.Token{AccessToken: "t", Expiry: time.Now().Add(lifetime)})
		if got := token.expiry.Sub(token.refresh).Round(time.Second); got != margin {
			t.Errorf("a token of %s is refreshed %s before its expiry, want %s", lifetime, got, margin)
		}
	}
	if token := newToken("authorization", &oauth2.Token{AccessToken: "t"}); !token.isFresh() {
		t.Error("a token without an expiry is not used")
	}
}

// withoutEndpoint is a token source that can't fetch a token, so that only its current one can be used.
func withoutEndpoint(current *token) *tokenSource {
	s := newTokenSource(ClientCredentials{}, &TLS{})
	s.discover = func(context.Context) (tokenEndpoint, error) { return tokenEndpoint{}, ErrTokenUnavailable }
	s.current.Store(current)
	return s
}

// TestTokenSource_ReplacesARejectedToken has a token that was revoked, or signed with a key that Flyte no longer accepts.
func TestTokenSource_ReplacesARejectedToken(t *testing.T) {
	t.Parallel()
	s := withoutEndpoint(&token{metadataKey: "authorization", accessToken: "revoked", fetched: time.Now().Add(-time.Hour)})
	var sent []string
	reject := func(ctx context.Context) error {
		outgoing, _ := metadata.FromOutgoingContext(ctx)
		sent = append(sent, outgoing.Get("authorization")...)
		return status.Error(codes.Unauthenticated, "revoked")
	}
	err := s.withToken(t.Context(), reject)
	if len(sent) != 1 || sent[0] != "Bearer revoked" || s.current.Load() != nil || err == nil {
		t.Errorf("sent %q, then %v", sent, err)
	}
}

// TestTokenSource_KeepsAValidTokenDuringAnOutage of the token endpoint.
func TestTokenSource_KeepsAValidTokenDuringAnOutage(t *testing.T) {
	t.Parallel()
	valid := &token{accessToken: "valid", refresh: time.Now().Add(-time.Second), expiry: time.Now().Add(time.Hour)}
	if got, err := withoutEndpoint(valid).currentToken(t.Context()); got != valid || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	expired := &token{accessToken: "expired", refresh: time.Now().Add(-time.Hour), expiry: time.Now().Add(-time.Minute)}
	if got, err := withoutEndpoint(expired).currentToken(t.Context()); err == nil {
		t.Errorf("got %v, which has expired", got)
	}
}
