package signature

import (
	"net/http"
	"time"
)

// Verifier decides whether a request is authentic. It is safe for concurrent use if the functions it was made from are.
type Verifier struct {
	keys      func() *Keys
	tolerance time.Duration
	now       func() time.Time
}

// NewVerifier returns a verifier of requests that were signed with one of keys, at most tolerance before or after now.
//
// All three are required. The functions are called once for each request, so that keys can change between two requests. With
// no keys, or nil, no request is accepted.
func NewVerifier(keys func() *Keys, tolerance time.Duration, now func() time.Time) *Verifier {
	return &Verifier{keys: keys, tolerance: tolerance, now: now}
}

// Verify accepts or refuses a request by its headers and its body, which must be the raw bytes as received.
//
// It needs webhook-id, webhook-timestamp and webhook-signature, each once; svix-id, svix-timestamp and svix-signature are their
// aliases. The tolerance includes both boundaries. A sender gives several signatures while it rotates its secret: one valid
// signature is enough, and unknown versions are skipped (spec, "Webhook headers" and "Verifying signatures"). Comparison takes
// constant time for any one secret.
//
// Every error is an [*Error] and wraps [ErrInvalid]. The cost of a refused request is bounded: one HMAC of the body for each
// secret, and at most four ed25519 verifications for each public key.
func (v *Verifier) Verify(header http.Header, body []byte) (Message, error) {
	h, reason := v.readFresh(header)
	if reason != valid {
		return Message{}, &Error{Reason: reason}
	}
	keys := v.keys()
	key, reason := keys.match(h, body)
	if reason != valid {
		return Message{}, &Error{Reason: reason}
	}
	return Message{ID: h.id, Timestamp: h.signedAt, keys: keys, key: key}, nil
}

// Fingerprints returns those of the keys in force; see [Keys.Fingerprints].
func (v *Verifier) Fingerprints() []string { return v.keys().Fingerprints() }

// Plausible reports whether Verify could accept a request with these headers: they are complete and well formed, and the
// timestamp is within the tolerance. It costs no cryptography.
func (v *Verifier) Plausible(header http.Header) bool {
	_, reason := v.readFresh(header)
	return reason == valid
}

// readFresh reads the headers, and refuses a timestamp outside the tolerance.
func (v *Verifier) readFresh(header http.Header) (headers, Reason) {
	h, reason := readHeaders(header)
	if reason != valid {
		return headers{}, reason
	}
	switch age := v.now().Sub(h.signedAt); {
	case age > v.tolerance:
		return headers{}, ReasonStaleTimestamp
	case age < -v.tolerance:
		return headers{}, ReasonFutureTimestamp
	}
	return h, valid
}
