package signature

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
)

const (
	// fingerprintRounds makes each guess at a secret cost some 100,000 HMACs. With a signed message, a guess costs one, so the
	// fingerprint is never the cheapest way to check it.
	fingerprintRounds = 100_000
	// fingerprintSize is how many bytes of the derived key are shown: enough to distinguish a few keys, and few enough that
	// many wrong guesses match.
	fingerprintSize = 4
	// derivedSize is what FIPS 140 requires; only the beginning is used.
	derivedSize = sha256.Size
	// fingerprintSalt separates the derived key from any other use of the secret.
	fingerprintSalt = "workspace-flyte-integration: fingerprint of a webhook key"
)

// fingerprint is a short text that identifies a key and doesn't help to find it.
func fingerprint(key paddedKey) string {
	derived, err := pbkdf2.Key(sha256.New, string(key[:]), []byte(fingerprintSalt), fingerprintRounds, derivedSize)
	if err != nil {
		panic("deriving a fingerprint: " + err.Error()) // only in FIPS 140 mode, and only for a shorter salt or key
	}
	return hex.EncodeToString(derived[:fingerprintSize])
}

// Fingerprints returns a short text for each key, the secrets before the public keys. Equal keys have equal fingerprints in
// every process. They may be shown where the keys must not: in logs and metrics. The first call takes some 30 ms for each key.
func (k *Keys) Fingerprints() []string {
	if k == nil {
		return nil
	}
	k.once.Do(func() {
		for _, key := range k.paddedKeys() {
			k.fingerprints = append(k.fingerprints, fingerprint(key))
		}
	})
	return k.fingerprints
}
