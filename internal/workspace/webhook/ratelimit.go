package webhook

import (
	"container/list"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// budget is one of the two that every source has.
type budget string

const (
	// signed is spent by requests with a valid signature, and by no other.
	signed budget = "good"
	// unsigned is spent by every request that was not shown to have one.
	unsigned budget = "failed"
)

// sources keeps the budgets of where requests come from, in bounded memory. When it is full of sources that were seen
// just now, those it does not know share one more pair of budgets.
type sources struct {
	now func() time.Time

	mu     sync.Mutex
	known  map[netip.Prefix]*list.Element
	oldest *list.List // of *source, in the order in which they were last seen
	others *source
}

type source struct {
	address netip.Prefix
	seen    time.Time
	budgets map[budget]*rate.Limiter
}

func newSources(now func() time.Time) *sources {
	return &sources{now: now, known: map[netip.Prefix]*list.Element{}, oldest: list.New(), others: newSource(netip.Prefix{})}
}

func newSource(address netip.Prefix) *source {
	return &source{address: address, budgets: map[budget]*rate.Limiter{
		signed:   rate.NewLimiter(signedRate, signedBurst),
		unsigned: rate.NewLimiter(unsignedRate, unsignedBurst),
	}}
}

// spend takes one request out of a budget, and tells whether it was there.
func (s *sources) spend(address netip.Prefix, from budget) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	return s.source(address, now).budgets[from].AllowN(now, 1)
}

func (s *sources) source(address netip.Prefix, now time.Time) *source {
	if element, ok := s.known[address]; ok {
		s.oldest.MoveToBack(element)
		return see(element, now)
	}
	if len(s.known) >= maxSources {
		last, _ := s.oldest.Front().Value.(*source)
		if now.Sub(last.seen) < sourceMemory {
			return s.others
		}
		delete(s.known, last.address)
		s.oldest.Remove(s.oldest.Front())
	}
	element := s.oldest.PushBack(newSource(address))
	s.known[address] = element
	return see(element, now)
}

func see(element *list.Element, now time.Time) *source {
	s, _ := element.Value.(*source)
	s.seen = now
	return s
}

// has reports whether a budget has a request left, and takes none.
func (s *sources) has(address netip.Prefix, left budget) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	return s.source(address, now).budgets[left].TokensAt(now) >= 1
}

// overBudget is the answer to a request that can only be refused, whatever its body is: its source has no signed request
// left, or no unsigned one and the headers can't be those of a signed request. Others have to be read: requests without a
// signature must not keep those with one from the same source out.
func (h *Handler) overBudget(source netip.Prefix, header http.Header) error {
	switch {
	case !h.sources.has(source, signed):
		return h.tooMany(signed)
	case !h.sources.has(source, unsigned) && !h.Verifier.Plausible(header):
		return h.tooMany(unsigned)
	}
	return nil
}

// spend charges a request to its source. The error is the answer to one for which nothing is left; it is the same for
// both budgets.
func (h *Handler) spend(source netip.Prefix, from budget) error {
	if h.sources.spend(source, from) {
		return nil
	}
	return h.tooMany(from)
}

// tooMany counts and returns the 429 of a spent budget.
func (h *Handler) tooMany(left budget) error {
	h.metrics.limited.WithLabelValues(string(left)).Inc()
	p := newProblem(http.StatusTooManyRequests, "too many requests come from this address")
	p.retryAfter = retryBudget
	return p
}
