package signature

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// newSecretSize is the size of the secrets we make, in bytes.
const newSecretSize = 32

// NewSecret returns a fresh secret of 32 random bytes, in the form that [ParseKeys] and [NewSigner] take (whsec_ and base64).
func NewSecret() string {
	secret := make([]byte, newSecretSize)
	rand.Read(secret) // never fails, as its documentation says
	return prefixSymmetric + encoding.EncodeToString(secret)
}

// Signer signs requests. It is immutable and safe for concurrent use, and none of its methods shows a secret.
type Signer struct {
	signing []signingKey
	keys    *Keys
}

// signingKey makes signatures of one version.
type signingKey struct {
	version string
	sign    func(dst []byte, id, timestamp string, body []byte) []byte
}

// NewSigner returns a signer with a secret (whsec_, as in [ParseKeys]) or an ed25519 private key (whsk_ and the 32 bytes of the
// seed, or 64 with the public key after it, in base64). With several, separated by white space, it signs with each of them, so
// that a sender can rotate its secret without a refused delivery (spec, "Webhook headers"). Errors are those of ParseKeys.
func NewSigner(secret string) (*Signer, error) {
	s := &Signer{keys: &Keys{}}
	if err := eachSecret(secret, s.add); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Signer) add(kind string, secret []byte) error {
	switch kind {
	case prefixSymmetric:
		return s.addSymmetric(newSymmetric(secret))
	case prefixPrivate:
		return s.addPrivate(newPrivate(secret))
	}
	return errors.New("a whpk_ public key can't sign: give its private key (whsk_)")
}

func (s *Signer) addSymmetric(key *symmetric, err error) error {
	if err == nil && !s.keys.hasSecret(key) {
		s.signing = append(s.signing, signingKey{versionSymmetric, key.sign})
	}
	return s.keys.addSymmetric(key, err)
}

func (s *Signer) addPrivate(key private, err error) error {
	if err != nil {
		return err
	}
	if !s.keys.hasPublic(key.public()) {
		s.signing = append(s.signing, signingKey{versionAsymmetric, key.sign})
	}
	return s.keys.addPublic(key.public(), nil)
}

// Sign returns the headers webhook-id, webhook-timestamp and webhook-signature of a request with this body, signed for
// this time in whole seconds. The body has to be sent exactly as given.
//
// The id identifies the message and stays the same when it is sent again. Sign panics unless it satisfies [ValidID]: with a full
// stop in the id, the signature would also be valid for another message.
func (s *Signer) Sign(id string, at time.Time, body []byte) http.Header {
	if !ValidID(id) {
		panic(fmt.Sprintf("signature: %q can't be the id of a message", id))
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []byte
	for i, key := range s.signing {
		if i > 0 {
			signatures = append(signatures, ' ')
		}
		signatures = append(signatures, key.version...)
		signatures = append(signatures, ',')
		signatures = key.sign(signatures, id, timestamp, body)
	}
	return http.Header{headerID: {id}, headerTimestamp: {timestamp}, headerSignature: {string(signatures)}}
}

// Keys returns the keys that verify what the signer signs.
func (s *Signer) Keys() *Keys { return s.keys }

// String returns how many secrets and keys there are, and shows none of them.
func (s *Signer) String() string { return s.keys.String() }

// GoString is [Signer.String].
func (s *Signer) GoString() string { return s.String() }
