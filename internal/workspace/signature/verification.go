package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"strings"
)

// verification checks the signatures of one request against the keys. It computes each HMAC at most once, and only if a
// signature needs it.
type verification struct {
	keys *Keys
	headers
	body []byte

	macs    [MaxKeys][macTextLength]byte // the v1 signature under each secret
	hasMACs bool
	content []byte // what an ed25519 key signs

	matched    int // the key that matches, counted from the first secret
	asymmetric int // how many ed25519 signatures were checked
}

// match finds a signature that one of the keys made over these headers and the body, and returns the index of that key.
func (k *Keys) match(h headers, body []byte) (key int, reason Reason) {
	v := verification{keys: k, headers: h, body: body}
	reason = ReasonNoUsableSignature
	rest := h.signatures
	for i := 0; i < maxSignatures && rest != ""; i++ {
		var signature string
		signature, rest, _ = strings.Cut(rest, " ")
		usable, matched := v.check(signature)
		if matched {
			return v.matched, valid
		}
		if usable {
			reason = ReasonNoMatchingSignature
		}
	}
	return 0, reason
}

// check reports whether one signature, "version,base64", is usable with the keys, and whether one of them matches.
func (v *verification) check(signature string) (usable, matched bool) {
	version, text, _ := strings.Cut(signature, ",")
	switch {
	case v.keys == nil:
		return false, false
	case version == versionSymmetric:
		return v.checkSymmetric(text)
	case version == versionAsymmetric:
		return v.checkAsymmetric(text)
	}
	return false, false
}

// checkSymmetric compares the texts, not the decoded bytes: 32 bytes have exactly one encoding.
func (v *verification) checkSymmetric(text string) (usable, matched bool) {
	if len(v.keys.secrets) == 0 || len(text) != macTextLength {
		return false, false
	}
	if !v.hasMACs {
		for i, secret := range v.keys.secrets {
			secret.sign(v.macs[i][:0], v.id, v.timestamp, v.body) // fits exactly
		}
		v.hasMACs = true
	}
	for i := range v.keys.secrets {
		if hmac.Equal(v.macs[i][:], []byte(text)) {
			matched, v.matched = true, i
		}
	}
	return true, matched
}

func (v *verification) checkAsymmetric(text string) (usable, matched bool) {
	if len(v.keys.public) == 0 || len(text) != asymmetricTextLength {
		return false, false
	}
	var signature [asymmetricTextLength]byte
	n, err := encoding.Decode(signature[:], []byte(text))
	if err != nil || n != ed25519.SignatureSize {
		return false, false
	}
	v.asymmetric++
	if v.asymmetric > maxAsymmetric {
		return true, false
	}
	if v.content == nil {
		v.content = signedContent(v.id, v.timestamp, v.body)
	}
	for i, key := range v.keys.public {
		if ed25519.Verify(key, v.content, signature[:n]) {
			v.matched = len(v.keys.secrets) + i
			return true, true
		}
	}
	return true, false
}

// encoding is that of the reference libraries, without the stray bits that they accept. It skips line breaks, so callers also
// check the length of what they decode.
var encoding = base64.StdEncoding.Strict()
