package signature

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"

	"filippo.io/edwards25519"
)

// asymmetricTextLength is the length of an ed25519 signature in base64.
const asymmetricTextLength = (ed25519.SignatureSize + 2) / 3 * 4

// private is a key of the kind whsk_.
type private ed25519.PrivateKey

// newPrivate accepts the seed, or the seed followed by its public key as Svix prints it and libsodium stores it; the spec leaves
// this open.
func newPrivate(secret []byte) (private, error) {
	if len(secret) != ed25519.SeedSize && len(secret) != ed25519.PrivateKeySize {
		return nil, errors.New("a whsk_ private key has 32 bytes, or 64 with its public key")
	}
	seed := secret[:ed25519.SeedSize]
	if bytes.Count(seed, seed[:1]) == len(seed) {
		return nil, errors.New("a whsk_ private key of one repeated byte is no secret")
	}
	key := ed25519.NewKeyFromSeed(seed)
	if len(secret) == ed25519.PrivateKeySize && !bytes.Equal(key, secret) {
		return nil, errors.New("the two halves of the whsk_ private key do not belong together")
	}
	return private(key), nil
}

// sign appends the base64 text of the signature.
func (p private) sign(dst []byte, id, timestamp string, body []byte) []byte {
	return encoding.AppendEncode(dst, ed25519.Sign(ed25519.PrivateKey(p), signedContent(id, timestamp, body)))
}

func (p private) public() ed25519.PublicKey { return ed25519.PublicKey(p[ed25519.SeedSize:]) }

// newPublic refuses what crypto/ed25519 would verify with: points of small order, for which anyone can make signatures, and
// second encodings of a key (RFC 8032, section 5.1).
func newPublic(key []byte) (ed25519.PublicKey, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, errors.New("a whpk_ public key has 32 bytes")
	}
	point, err := new(edwards25519.Point).SetBytes(key)
	switch {
	case err != nil:
		return nil, errors.New("the whpk_ public key is not a point of the curve")
	case !bytes.Equal(point.Bytes(), key):
		return nil, errors.New("the whpk_ public key is not in canonical form")
	case new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1:
		return nil, errors.New("the whpk_ public key is of small order: anyone could sign for it")
	}
	return slices.Clone(key), nil
}
