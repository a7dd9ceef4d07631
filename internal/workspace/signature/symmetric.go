package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"sync"
)

// macTextLength is the length of an HMAC-SHA256 in base64.
const macTextLength = (sha256.Size + 2) / 3 * 4

// The size of a symmetric secret in bytes (spec, "Signature scheme").
const (
	minSecretSize = 24
	maxSecretSize = 64
)

// minDistinctBytes is how many distinct bytes a secret must have. Placeholders such as zeros or a row of x have fewer; 24
// random bytes have fewer once in 10^24.
const minDistinctBytes = 8

// paddedKey is a secret or key padded with zeros, as HMAC pads it (RFC 2104): secrets that differ in trailing zeros only are
// the same to HMAC, and equal here.
type paddedKey [maxSecretSize]byte

func newPaddedKey(secret []byte) (p paddedKey) {
	copy(p[:], secret)
	return p
}

// symmetric is a secret of the kind whsec_.
type symmetric struct {
	key  paddedKey
	macs sync.Pool // of *mac: setting up an HMAC costs as much as signing a small body
}

// mac is an HMAC under one secret, with a buffer for the id and the timestamp.
type mac struct {
	hash.Hash
	scratch []byte
}

func newSymmetric(secret []byte) (*symmetric, error) {
	if len(secret) < minSecretSize || len(secret) > maxSecretSize {
		return nil, errors.New("a whsec_ secret has 24 to 64 bytes")
	}
	if distinctBytes(secret) < minDistinctBytes {
		return nil, errors.New("a whsec_ secret of a few repeated bytes is no secret")
	}
	return &symmetric{key: newPaddedKey(secret)}, nil
}

func distinctBytes(secret []byte) int {
	seen := map[byte]bool{}
	for _, b := range secret {
		seen[b] = true
	}
	return len(seen)
}

// sign appends the base64 text of the signature.
func (s *symmetric) sign(dst []byte, id, timestamp string, body []byte) []byte {
	m, found := s.macs.Get().(*mac)
	if !found {
		m = &mac{Hash: hmac.New(sha256.New, s.key[:])}
	}
	defer s.macs.Put(m)
	m.Reset()
	m.scratch = appendPrefix(m.scratch[:0], id, timestamp)
	m.Write(m.scratch)
	m.Write(body)
	m.scratch = m.Sum(m.scratch[:0])
	return encoding.AppendEncode(dst, m.scratch)
}

// appendPrefix appends what is signed before the body.
func appendPrefix(dst []byte, id, timestamp string) []byte {
	dst = append(dst, id...)
	dst = append(dst, '.')
	dst = append(dst, timestamp...)
	return append(dst, '.')
}

// signedContent returns all that is signed.
func signedContent(id, timestamp string, body []byte) []byte {
	content := make([]byte, 0, len(id)+len(timestamp)+2+len(body))
	return append(appendPrefix(content, id, timestamp), body...)
}
