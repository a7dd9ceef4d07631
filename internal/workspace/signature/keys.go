package signature

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The prefixes of the kinds of secrets (spec, "Signature scheme").
const (
	prefixSymmetric = "whsec_"
	prefixPrivate   = "whsk_"
	prefixPublic    = "whpk_"
)

// Keys is an immutable set of secrets and public keys, any of which may have signed a request. It is safe for concurrent use,
// and none of its methods shows a secret.
type Keys struct {
	secrets []*symmetric
	public  []ed25519.PublicKey

	once         sync.Once
	fingerprints []string // of secrets and public keys; see Fingerprints
}

// ParseKeys reads one to [MaxKeys] secrets (whsec_ and 24 to 64 bytes in base64) and ed25519 public keys (whpk_ and 32 bytes in
// base64), separated by white space (spec, "Signature scheme"). Base64 is the standard alphabet with padding, as in the
// reference libraries. Duplicates count once.
//
// It refuses private keys (whsk_), secrets of fewer than eight distinct bytes, public keys that are not canonical, not on the
// curve or of small order (RFC 8032, section 5.1), and a secret that equals a public key. All problems are reported together
// (see [errors.Join]). They name a secret by its position, from 1, and never quote it.
func ParseKeys(text string) (*Keys, error) {
	keys := &Keys{}
	if err := eachSecret(text, keys.add); err != nil {
		return nil, err
	}
	if (&Keys{secrets: keys.secrets}).Overlaps(&Keys{public: keys.public}) {
		return nil, errors.New("a whsec_ secret equals a whpk_ public key, which is not secret")
	}
	return keys, nil
}

func (k *Keys) add(kind string, secret []byte) error {
	switch kind {
	case prefixSymmetric:
		return k.addSymmetric(newSymmetric(secret))
	case prefixPublic:
		return k.addPublic(newPublic(secret))
	}
	return errors.New("a whsk_ private key can only sign: give its public key (whpk_)")
}

func (k *Keys) addSymmetric(secret *symmetric, err error) error {
	if err == nil && !k.hasSecret(secret) {
		k.secrets = append(k.secrets, secret)
	}
	return err
}

func (k *Keys) addPublic(key ed25519.PublicKey, err error) error {
	if err == nil && !k.hasPublic(key) {
		k.public = append(k.public, key)
	}
	return err
}

// Overlaps reports whether both sets have a secret or key of the same bytes, of any kind. With [Signer.Keys], it finds a secret
// that is used in both directions. Nil is the empty set.
func (k *Keys) Overlaps(other *Keys) bool {
	others := other.paddedKeys()
	return slices.ContainsFunc(k.paddedKeys(), func(p paddedKey) bool { return slices.Contains(others, p) })
}

func (k *Keys) paddedKeys() (all []paddedKey) {
	if k == nil {
		return nil
	}
	for _, secret := range k.secrets {
		all = append(all, secret.key)
	}
	for _, key := range k.public {
		all = append(all, newPaddedKey(key))
	}
	return all
}

// String returns how many secrets and keys there are, and shows none of them.
func (k *Keys) String() string {
	if k == nil {
		return "no keys"
	}
	return fmt.Sprintf("%d symmetric, %d public", len(k.secrets), len(k.public))
}

// GoString is [Keys.String].
func (k *Keys) GoString() string { return k.String() }

func (k *Keys) hasSecret(secret *symmetric) bool {
	return slices.ContainsFunc(k.secrets, func(s *symmetric) bool { return s.key == secret.key })
}

func (k *Keys) hasPublic(key ed25519.PublicKey) bool {
	return slices.ContainsFunc(k.public, func(p ed25519.PublicKey) bool { return bytes.Equal(p, key) })
}

// eachSecret decodes the white-space separated secrets and calls add with each, and reports all problems by position.
func eachSecret(text string, add func(kind string, secret []byte) error) error {
	secrets := strings.Fields(text)
	if len(secrets) == 0 {
		return errors.New("there is no secret")
	}
	if len(secrets) > MaxKeys {
		return fmt.Errorf("there are %d secrets, at most %d are possible", len(secrets), MaxKeys)
	}
	var problems []error
	for i, secret := range secrets {
		kind, decoded, err := decodeSecret(secret)
		if err == nil {
			err = add(kind, decoded)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("secret %d: %w", i+1, err))
		}
	}
	return errors.Join(problems...)
}

// decodeSecret returns the prefix of a secret, and decodes the rest.
func decodeSecret(text string) (kind string, secret []byte, err error) {
	for _, kind := range []string{prefixSymmetric, prefixPrivate, prefixPublic} {
		encoded, found := strings.CutPrefix(text, kind)
		if !found {
			continue
		}
		secret, err := encoding.DecodeString(encoded)
		if err != nil {
			return "", nil, fmt.Errorf("what follows %s is not standard base64 with padding", kind)
		}
		return kind, secret, nil
	}
	return "", nil, errors.New("it does not start with whsec_, whsk_ or whpk_")
}
