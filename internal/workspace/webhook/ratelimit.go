package webhook

import (
	"container/list"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// bucket names one of the token buckets of a client.
type bucket string

const (
	// signed pays for requests with a valid signature, and for no others.
	signed bucket = "signed"
	// unsigned pays for all other requests on the POST routes.
	unsigned bucket = "unsigned"
	// read pays for requests on the read API.
	read bucket = "read"
)

// clients keeps the token buckets of each client, in bounded memory. When it is full of clients that were active within
// idleTTL, all further ones share the buckets of overflow.
type clients struct {
	now func() time.Time

	mu       sync.Mutex
	known    map[netip.Prefix]*list.Element
	byAge    *list.List // of *client, the one that was active last at the back
	overflow *client
}

type client struct {
	network    netip.Prefix
	lastActive time.Time
	limiters   map[bucket]*rate.Limiter
}

func newClients(now func() time.Time) *clients {
	return &clients{now: now, known: map[netip.Prefix]*list.Element{}, byAge: list.New(), overflow: newClient(netip.Prefix{})}
}

func newClient(network netip.Prefix) *client {
	return &client{network: network, limiters: map[bucket]*rate.Limiter{
		signed:   rate.NewLimiter(signedRate, signedBurst),
		unsigned: rate.NewLimiter(unsignedRate, unsignedBurst),
		read:     rate.NewLimiter(readRate, readBurst),
	}}
}

// allow takes a token out of a client's bucket, and reports whether there was one.
func (c *clients) allow(network netip.Prefix, b bucket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	return c.touch(network, now).limiters[b].AllowN(now, 1)
}

// hasToken reports whether a client's bucket has a token, and takes none.
func (c *clients) hasToken(network netip.Prefix, b bucket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	return c.touch(network, now).limiters[b].TokensAt(now) >= 1
}

// touch returns the client as active now. A new one replaces the client that has been idle longest.
func (c *clients) touch(network netip.Prefix, now time.Time) *client {
	element, ok := c.known[network]
	if !ok {
		if len(c.known) >= maxClients && !c.evict(now) {
			return c.overflow
		}
		element = c.byAge.PushBack(newClient(network))
		c.known[network] = element
	}
	c.byAge.MoveToBack(element)
	touched, _ := element.Value.(*client)
	touched.lastActive = now
	return touched
}

// evict removes the client that has been idle longest, unless it was active within idleTTL.
func (c *clients) evict(now time.Time) bool {
	oldest, _ := c.byAge.Front().Value.(*client)
	if now.Sub(oldest.lastActive) < idleTTL {
		return false
	}
	delete(c.known, oldest.network)
	c.byAge.Remove(c.byAge.Front())
	return true
}

// checkRate refuses a request before its body is read, if no body could save it: its client has no token for signed requests,
// or none for unsigned ones and the headers can't be those of a signed request. All other bodies have to be read, so that
// unsigned requests can't exhaust the limit of a signing sender at the same address.
func (h *Handler) checkRate(network netip.Prefix, header http.Header) error {
	switch {
	case !h.clients.hasToken(network, signed):
		return h.tooMany(signed)
	case !h.clients.hasToken(network, unsigned) && !h.Verifier.Plausible(header):
		return h.tooMany(unsigned)
	}
	return nil
}

// ChargeRead takes a token of the read API from the client of a request, and returns a 429 if there is none.
func (h *Handler) ChargeRead(r *http.Request) error {
	return h.charge(clientOf(r, h.TrustedProxies), read)
}

// Client identifies the client of a request, as the rate limits do.
func (h *Handler) Client(r *http.Request) string { return clientOf(r, h.TrustedProxies).String() }

// charge takes a token from the client, and answers 429 if there is none.
func (h *Handler) charge(network netip.Prefix, b bucket) error {
	if h.clients.allow(network, b) {
		return nil
	}
	return h.tooMany(b)
}

// tooMany counts and returns a 429. The answer is the same for all buckets.
func (h *Handler) tooMany(b bucket) error {
	h.metrics.limited.WithLabelValues(string(b)).Inc()
	p := newProblem(http.StatusTooManyRequests, "too many requests come from this address")
	p.retryAfter = retryBucket
	return p
}
