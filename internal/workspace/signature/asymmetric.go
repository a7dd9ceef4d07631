package signature

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/big"
	"slices"
)

// asymmetricTextLength is the length of an ed25519 signature in base64.
const asymmetricTextLength = (ed25519.SignatureSize + 2) / 3 * 4

// private is a key of the kind whsk_.
type private ed25519.PrivateKey

// newPrivate takes the seed alone, or the seed followed by its public key, which is what Svix prints and libsodium keeps; the
// spec does not say which.
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

// The field and the curve of ed25519, -x² + y² = 1 + dx²y² (RFC 8032, section 5.1).
var (
	one        = big.NewInt(1)
	fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	curveD     = divide(big.NewInt(-121665), big.NewInt(121666))
)

// newPublic refuses what crypto/ed25519 would verify with: points of small order, for which anyone can make signatures, and
// other spellings of a key. What is public need not be computed in constant time.
func newPublic(key []byte) (ed25519.PublicKey, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, errors.New("a whpk_ public key has 32 bytes")
	}
	bigEndian := slices.Clone(key)
	slices.Reverse(bigEndian)
	sign := bigEndian[0] >> 7
	bigEndian[0] &= 0x7f
	y := new(big.Int).SetBytes(bigEndian)
	if y.Cmp(fieldPrime) >= 0 {
		return nil, errors.New("the whpk_ public key is not in canonical form")
	}
	xx := xSquared(y)
	switch {
	case xx.Sign() == 0 && sign == 1:
		return nil, errors.New("the whpk_ public key is not in canonical form")
	case big.Jacobi(xx, fieldPrime) < 0:
		return nil, errors.New("the whpk_ public key is not a point of the curve")
	case smallOrder(y):
		return nil, errors.New("the whpk_ public key is of small order: anyone could sign for it")
	}
	return slices.Clone(key), nil
}

// smallOrder says whether eight times the point with this y is the neutral one, which alone has y = 1.
func smallOrder(y *big.Int) bool {
	for range 3 {
		y = doubled(y)
	}
	return y.Cmp(one) == 0
}

// doubled is the y of twice the point: (y² + x²) / (1 - dx²y²). The denominator is never zero, as d is not a square.
func doubled(y *big.Int) *big.Int {
	xx, yy := xSquared(y), new(big.Int).Mul(y, y)
	dxxyy := new(big.Int).Mul(curveD, xx)
	dxxyy.Mul(dxxyy, yy)
	return divide(yy.Add(yy, xx), dxxyy.Sub(one, dxxyy))
}

// xSquared is (y² - 1) / (dy² + 1), which is a square where there is a point with this y.
func xSquared(y *big.Int) *big.Int {
	yy := new(big.Int).Mul(y, y)
	dyy := new(big.Int).Mul(curveD, yy)
	return divide(yy.Sub(yy, one), dyy.Add(dyy, one))
}

// divide divides in the field.
func divide(a, b *big.Int) *big.Int {
	inverse := new(big.Int).ModInverse(new(big.Int).Mod(b, fieldPrime), fieldPrime)
	inverse.Mul(inverse, a)
	return inverse.Mod(inverse, fieldPrime)
}
