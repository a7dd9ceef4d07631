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

// minVariety is how many different bytes a secret has at least. Placeholders such as zeros or a row of x have fewer; 24 random
// bytes have fewer once in 10^24.
const minVariety = 8

// block is a secret or key filled up with zeros, as HMAC does it (RFC 2104): secrets that differ in trailing zeros only are one
// and the same, and equal as blocks.
type block [maxSecretSize]byte

func newBlock(secret []byte) (b block) {
	copy(b[:], secret)
	return b
}

// symmetric is a secret of the kind whsec_.
type symmetric struct {
	block block
	macs  sync.Pool // of *mac: to set up an HMAC costs as much as to sign a small body
}

// mac is an HMAC under one secret, with room for what is small.
type mac struct {
	hash.Hash
	scratch []byte
}

func newSymmetric(secret []byte) (*symmetric, error) {
	if len(secret) < minSecretSize || len(secret) > maxSecretSize {
		return nil, errors.New("a whsec_ secret has 24 to 64 bytes")
	}
	if variety(secret) < minVariety {
		return nil, errors.New("a whsec_ secret of a few repeated bytes is no secret")
	}
	return &symmetric{block: newBlock(secret)}, nil
}

// variety counts the different bytes.
func variety(secret []byte) int {
	seen := map[byte]struct{}{}
	for _, b := range secret {
		seen[b] = struct{}{}
	}
	return len(seen)
}

// sign appends the base64 text of the signature.
func (s *symmetric) sign(dst []byte, id, timestamp string, body []byte) []byte {
	m, found := s.macs.Get().(*mac)
	if !found {
		m = &mac{Hash: hmac.New(sha256.New, s.block[:])}
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

// signedContent is all that is signed, in one piece.
func signedContent(id, timestamp string, body []byte) []byte {
	content := make([]byte, 0, len(id)+len(timestamp)+2+len(body))
	return append(appendPrefix(content, id, timestamp), body...)
}
