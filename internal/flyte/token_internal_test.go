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

func TestGrant_RefreshesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	for lifetime, early := range map[time.Duration]time.Duration{time.Hour: time.Minute, 5 * time.Minute: 30 * time.Second} {
		g := grant("authorization", &oauth2.Token{AccessToken: "t", Expiry: time.Now().Add(lifetime)})
		if got := g.expires.Sub(g.refresh).Round(time.Second); got != early {
			t.Errorf("a token of %s is replaced %s before its end, want %s", lifetime, got, early)
		}
	}
	if g := grant("authorization", &oauth2.Token{AccessToken: "t"}); !g.fresh() {
		t.Error("a token that tells no end is not used")
	}
}

// TestTokens_ReplacesARefusedToken: it was revoked, or signed with a key that is gone.
func TestTokens_ReplacesARefusedToken(t *testing.T) {
	t.Parallel()
	calls := &tokens{turn: make(chan struct{}, 1)}
	calls.newest.set(&granted{key: "authorization", token: "revoked", fetched: time.Now().Add(-time.Hour)})
	calls.discover = func(context.Context) (discovered, error) {
		return discovered{}, ErrTokenUnavailable // so that another can't be had
	}
	var shown []string
	refuse := func(ctx context.Context) error {
		with, _ := metadata.FromOutgoingContext(ctx)
		shown = append(shown, with.Get("authorization")...)
		return status.Error(codes.Unauthenticated, "revoked")
	}
	err := calls.with(t.Context(), refuse)
	if len(shown) != 1 || shown[0] != "Bearer revoked" || calls.newest.get() != nil || err == nil {
		t.Errorf("it was shown %q, then %v", shown, err)
	}
}

// TestTokens_UsesTheOldWhileNoOtherCanBeHad: the token endpoint may be down for as long as the token is good.
func TestTokens_UsesTheOldWhileNoOtherCanBeHad(t *testing.T) {
	t.Parallel()
	calls := &tokens{turn: make(chan struct{}, 1)}
	calls.discover = func(context.Context) (discovered, error) { return discovered{}, ErrTokenUnavailable }
	old := &granted{token: "old", refresh: time.Now().Add(-time.Second), expires: time.Now().Add(time.Hour)}
	calls.newest.set(old)
	if got, err := calls.current(t.Context()); got != old || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	calls.newest.set(&granted{token: "ended", refresh: time.Now().Add(-time.Hour), expires: time.Now().Add(-time.Minute)})
	if got, err := calls.current(t.Context()); err == nil {
		t.Errorf("got %v, which has ended", got)
	}
}
