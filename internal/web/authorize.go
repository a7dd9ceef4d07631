package web

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/cache"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Access is what a request reads. Name is empty for a whole collection. Namespace is that of ResourcePods.
type Access struct {
	Verb, Resource, Name, Namespace string
}

// Authorizer decides who may read. It returns nil, or a *workspace.Error of the kind Unauthorized, Forbidden or Unavailable.
type Authorizer interface {
	Authorize(r *http.Request, access Access) error
}

// Reviewer asks the API server. Its errors mean that the API server gave no answer.
type Reviewer interface {
	// Authenticate returns the user of a token, or nil if the API server does not accept it.
	Authenticate(ctx context.Context, token string) (*authenticationv1.UserInfo, error)
	// Allowed reports whether the user has this access.
	Allowed(ctx context.Context, user *authenticationv1.UserInfo, access Access) (bool, error)
}

// TokenAuthorizer is the Authorizer for API_AUTH=kubernetes: the request needs a bearer token of a user whom the API server allows
// the access. Answers of the API server are cached for reviewTTL at most, by the hash of the token; errors never.
type TokenAuthorizer struct {
	reviewer Reviewer
	now      func() time.Time
	users    *cache.LRUExpireCache // of *cachedUser by tokenHash
	allowed  *cache.LRUExpireCache // of bool by decision
	reviews  chan struct{}
}

type tokenHash [sha256.Size]byte

// cachedUser is the user of a token until the entry expires. user is nil if the API server refused the token.
type cachedUser struct {
	user    *authenticationv1.UserInfo
	expires time.Time
}

type decision struct {
	token  tokenHash
	access Access
}

// clock is the clock of the caches.
type clock func() time.Time

// Now returns the time.
func (c clock) Now() time.Time { return c() }

// NewTokenAuthorizer returns a TokenAuthorizer. now is its clock.
func NewTokenAuthorizer(reviewer Reviewer, now func() time.Time) *TokenAuthorizer {
	return &TokenAuthorizer{
		reviewer: reviewer, now: now, reviews: make(chan struct{}, maxReviews),
		users:   cache.NewLRUExpireCacheWithClock(maxCachedReviews, clock(now)),
		allowed: cache.NewLRUExpireCacheWithClock(maxCachedReviews, clock(now)),
	}
}

// Authorize implements Authorizer.
func (a *TokenAuthorizer) Authorize(r *http.Request, access Access) error {
	token, ok := bearerToken(r.Header)
	if !ok {
		return unauthorized()
	}
	ctx, cancel := context.WithTimeout(r.Context(), reviewTimeout)
	defer cancel()
	key := decision{token: sha256.Sum256([]byte(token)), access: access}
	known, err := a.authenticate(ctx, key.token, token)
	switch {
	case err != nil:
		return unavailable(err)
	case known.user == nil:
		return unauthorized()
	}
	allowed, err := a.decide(ctx, key, known)
	switch {
	case err != nil:
		return unavailable(err)
	case !allowed:
		return &workspace.Error{Kind: workspace.KindForbidden, Detail: "the user of this token may not read this"}
	}
	return nil
}

// Identify implements Identifier.
func (a *TokenAuthorizer) Identify(r *http.Request) (string, error) {
	token, ok := bearerToken(r.Header)
	if !ok {
		return "", unauthorized()
	}
	ctx, cancel := context.WithTimeout(r.Context(), reviewTimeout)
	defer cancel()
	known, err := a.authenticate(ctx, sha256.Sum256([]byte(token)), token)
	switch {
	case err != nil:
		return "", unavailable(err)
	case known.user == nil:
		return "", unauthorized()
	}
	return known.user.Username, nil
}

// authenticate returns the cached user of the token, or asks the API server.
func (a *TokenAuthorizer) authenticate(ctx context.Context, key tokenHash, token string) (*cachedUser, error) {
	if found, ok := a.users.Get(key); ok {
		known, _ := found.(*cachedUser)
		return known, nil
	}
	asked := a.now()
	user, err := reviewed(ctx, a, func() (*authenticationv1.UserInfo, error) { return a.reviewer.Authenticate(ctx, token) })
	if err != nil {
		return nil, err
	}
	known := &cachedUser{user: user, expires: asked.Add(reviewTTL)}
	if expires := tokenExpiry(token); user != nil && !expires.IsZero() && expires.Before(known.expires) {
		known.expires = expires
	}
	a.users.Add(key, known, a.ttl(known))
	return known, nil
}

// ttl is how long what is known about a user may be cached. The cache still returns an entry at the instant at which it expires.
func (a *TokenAuthorizer) ttl(known *cachedUser) time.Duration {
	return known.expires.Sub(a.now()) - time.Nanosecond
}

// decide returns the cached decision, or asks the API server. A decision is cached for no longer than the user.
func (a *TokenAuthorizer) decide(ctx context.Context, key decision, known *cachedUser) (bool, error) {
	if found, ok := a.allowed.Get(key); ok {
		allowed, _ := found.(bool)
		return allowed, nil
	}
	allowed, err := reviewed(ctx, a, func() (bool, error) { return a.reviewer.Allowed(ctx, known.user, key.access) })
	if err != nil {
		return false, err
	}
	a.allowed.Add(key, allowed, a.ttl(known))
	return allowed, nil
}

// reviewed asks the API server, with at most maxReviews questions under way.
func reviewed[T any](ctx context.Context, a *TokenAuthorizer, ask func() (T, error)) (answer T, err error) {
	select {
	case a.reviews <- struct{}{}:
		defer func() { <-a.reviews }()
		return ask()
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// bearerToken returns the token of the header Authorization. A repeated header has none.
func bearerToken(header http.Header) (token string, ok bool) {
	values := header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, found := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	return token, found && strings.EqualFold(scheme, "Bearer") && token != "" && !strings.ContainsAny(token, " \t")
}

// unauthorized is the same for a missing, a wrong and an expired token.
func unauthorized() error {
	return &workspace.Error{Kind: workspace.KindUnauthorized, Detail: "the bearer token is missing, wrong or expired"}
}

func unavailable(cause error) error {
	return &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't answer now", Err: cause}
}
