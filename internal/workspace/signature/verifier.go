package signature

import (
	"net/http"
	"strings"
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
// All three are needed. The functions are called once for each request, so that keys can change between two requests; no
// keys, or nil, means that nothing is accepted.
func NewVerifier(keys func() *Keys, tolerance time.Duration, now func() time.Time) *Verifier {
	return &Verifier{keys: keys, tolerance: tolerance, now: now}
}

// Verify accepts or refuses a request by its headers and its body, which must be the raw bytes as received.
//
// It needs webhook-id, webhook-timestamp and webhook-signature, each once; svix-id, svix-timestamp and svix-signature stand
// for the same three. Both boundaries of the tolerance are inside. Of the signatures, which a sender gives several of while it
// rotates its secret, one that fits is enough; unknown versions are passed over (spec, "Webhook headers" and "Verifying
// signatures"). Comparison takes constant time for any one secret.
//
// Every error is an [*Error] and wraps [ErrInvalid]. What a refused request can cost is bounded: one HMAC of the body for each
// secret, and at most 16 ed25519 verifications for each public key.
func (v *Verifier) Verify(h http.Header, body []byte) (Message, error) {
	c, reason := v.readFresh(h)
	if reason != accepted {
		return Message{}, &Error{Reason: reason}
	}
	keys := v.keys()
	key, reason := keys.match(c, body)
	if reason != accepted {
		return Message{}, &Error{Reason: reason}
	}
	return Message{ID: c.id, Timestamp: c.at, keys: keys, key: key}, nil
}

// Fingerprints are those of the keys that are in force now; see [Keys.Fingerprints].
func (v *Verifier) Fingerprints() []string { return v.keys().Fingerprints() }

// Plausible reports whether Verify could accept a request with these headers: they are complete and well formed, and the
// timestamp is within the tolerance. It costs no cryptography.
func (v *Verifier) Plausible(h http.Header) bool {
	_, reason := v.readFresh(h)
	return reason == accepted
}

// readFresh takes the claim from the headers, and refuses one that is too old or too new.
func (v *Verifier) readFresh(h http.Header) (claim, Reason) {
	c, reason := readClaim(h)
	if reason == accepted {
		reason = v.checkAge(c.at)
	}
	return c, reason
}

// checkAge says whether a request that was signed at this moment is neither too old nor too new.
func (v *Verifier) checkAge(at time.Time) Reason {
	switch age := v.now().Sub(at); {
	case age > v.tolerance:
		return ReasonStaleTimestamp
	case age < -v.tolerance:
		return ReasonFutureTimestamp
	}
	return accepted
}

// match looks for a signature that one of the keys made over the claim and the body, and tells which key.
func (k *Keys) match(c claim, body []byte) (key int, reason Reason) {
	attempt := attempt{keys: k, claim: c, body: body}
	reason = ReasonNoUsableSignature
	rest := c.signatures
	for i := 0; i < maxSignatures && rest != ""; i++ {
		var signature string
		signature, rest, _ = strings.Cut(rest, " ")
		usable, matched := attempt.try(signature)
		if matched {
			return attempt.matched, accepted
		}
		if usable {
			reason = ReasonNoMatchingSignature
		}
	}
	return 0, reason
}
