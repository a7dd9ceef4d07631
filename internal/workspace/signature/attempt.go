package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"strings"
)

// attempt matches the signatures of one request against the keys. What it computes, it computes once, and only when a
// signature needs it. It stays on the stack.
type attempt struct {
	keys *Keys
	claim
	body []byte

	macs    [MaxKeys][macTextLength]byte // the v1 signature under each secret
	hasMACs bool
	content []byte // what an ed25519 key signs

	matched    int // the key that fits, counted from the first secret
	asymmetric int // how many signatures of such keys were looked at
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
	if !a.hasMACs {
		for i, secret := range a.keys.secrets {
			secret.sign(a.macs[i][:0], a.id, a.timestamp, a.body) // fits exactly
		}
		a.hasMACs = true
	}
	for i := range a.keys.secrets {
		if hmac.Equal(a.macs[i][:], []byte(text)) {
			matched, a.matched = true, i
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
	a.asymmetric++
	if a.asymmetric > maxAsymmetric {
		return true, false
	}
	if a.content == nil {
		a.content = signedContent(a.id, a.timestamp, a.body)
	}
	for i, key := range a.keys.public {
		if ed25519.Verify(key, a.content, signature[:n]) {
			a.matched = len(a.keys.secrets) + i
			return true, true
		}
	}
	return true, false
}

// encoding is what the reference libraries use, less the stray bits that they let pass. It still skips line breaks, so the
// length of what it decodes has to be looked at too.
var encoding = base64.StdEncoding.Strict()
