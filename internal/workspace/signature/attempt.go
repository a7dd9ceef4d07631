package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"strings"
)

// attempt matches the signatures of one request against the keys. What it computes, it computes once, and only when a
// signature needs it.
type attempt struct {
	keys  *Keys
	claim *claim
	body  []byte

	expected []byte // the v1 signature under each secret, one after the other
	buffer   [macTextLength * 2]byte
	content  []byte // what an ed25519 key signs
}

// try says whether one signature, "version,base64", is usable with the keys, and whether it is right.
func (a *attempt) try(signature string) (usable, matched bool) {
	version, text, _ := strings.Cut(signature, ",")
	switch {
	case a.keys == nil:
		return false, false
	case version == versionSymmetric:
		return a.trySymmetric(text)
	case version == versionAsymmetric:
		return a.tryAsymmetric(text)
	}
	return false, false
}

// trySymmetric compares the texts, not the decoded bytes: for 32 bytes there is one encoding, and it is the sender's.
func (a *attempt) trySymmetric(text string) (usable, matched bool) {
	if len(a.keys.secrets) == 0 || len(text) != macTextLength {
		return false, false
	}
	if a.expected == nil {
		a.expected = a.buffer[:0]
		for _, secret := range a.keys.secrets {
			a.expected = secret.sign(a.expected, a.claim.id, a.claim.timestamp, a.body)
		}
	}
	for expected := a.expected; len(expected) > 0; expected = expected[macTextLength:] {
		if hmac.Equal(expected[:macTextLength], []byte(text)) {
			matched = true
		}
	}
	return true, matched
}

func (a *attempt) tryAsymmetric(text string) (usable, matched bool) {
	if len(a.keys.public) == 0 || len(text) != asymmetricTextLength {
		return false, false
	}
	var signature [asymmetricTextLength]byte
	n, err := encoding.Decode(signature[:], []byte(text))
	if err != nil || n != ed25519.SignatureSize {
		return false, false
	}
	if a.content == nil {
		a.content = signedContent(a.claim.id, a.claim.timestamp, a.body)
	}
	for _, key := range a.keys.public {
		if ed25519.Verify(key, a.content, signature[:n]) {
			return true, true
		}
	}
	return true, false
}

// encoding is what the reference libraries use, less the stray bits that they let pass. It still skips line breaks, so the
// length of what it decodes has to be looked at too.
var encoding = base64.StdEncoding.Strict()
