// Package signature signs and verifies one HTTP request as Standard Webhooks 1.0.0 says
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, called "the spec" here).
//
// It guarantees that a request which [Verifier.Verify] accepts was signed, with one of the configured keys, over exactly the
// id, timestamp and body that were received, within the tolerance of the timestamp. It keeps no state: the caller has to
// recognise repeated ids.
//
// What is signed is the text id + "." + timestamp + "." + body, each exactly as sent. An HMAC-SHA256 ("v1") counts only under a
// symmetric secret (whsec_), an ed25519 signature ("v1a") only under a public key (whpk_), so that nobody can
// use a published key as an HMAC secret.
//
// It is stricter than the reference libraries, but accepts all senders known to us:
//
//   - an id is 1 to 128 bytes of printable ASCII without white space and full stop (see [ValidID]);
//   - a timestamp is 1 to 12 decimal digits, and is signed as it was sent (a reference library signs it re-printed);
//   - a header that is repeated, or sent under both of its names with different values, is refused;
//   - a signature is "version,base64" and nothing after it, in padded standard base64 without stray bits;
//   - at most 16 signatures are checked, at most four of them ed25519.
package signature

import "time"

// MaxIDLength is the longest message id that is accepted, in bytes.
const MaxIDLength = 128

// MaxKeys is the largest number of secrets and keys, repeated ones included, that [ParseKeys] and [NewSigner] take. It bounds what one
// unauthenticated request can cost.
const MaxKeys = 16

const (
	maxSignatures = 16
	// maxAsymmetric bounds the ed25519 signatures among them, which cost several times as much. A rotation needs two.
	maxAsymmetric      = 4
	maxTimestampDigits = 12

	versionSymmetric  = "v1"
	versionAsymmetric = "v1a"
)

// Message is what a verified signature authenticates, beside the body.
type Message struct {
	// ID identifies the message. It stays the same in repeated deliveries, and satisfies [ValidID] (spec, "Webhook metadata").
	ID string
	// Timestamp is when the sender made this delivery, in whole seconds and UTC.
	Timestamp time.Time

	keys *Keys
	key  int
}

// Key returns the fingerprint of the key that verified the signature; see [Keys.Fingerprints].
func (m Message) Key() string { return m.keys.Fingerprints()[m.key] }

// ValidID reports whether id can be the id of a message: 1 to [MaxIDLength] bytes of printable ASCII without white space and
// full stop. The spec forbids the full stop because it separates the parts of what is signed ("Signature scheme").
func ValidID(id string) bool {
	if id == "" || len(id) > MaxIDLength {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' || id[i] == '.' {
			return false
		}
	}
	return true
}
