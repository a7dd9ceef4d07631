package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// hmacSignature signs any text with secretA, also such as no signer would.
func hmacSignature(t testing.TB, content string) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secretA, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(content))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// strayBits changes the bits of the last character that don't count: a lax decoder reads the same bytes.
func strayBits(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	unpadded := strings.TrimRight(encoded, "=")
	last := strings.IndexByte(alphabet, unpadded[len(unpadded)-1])
	return unpadded[:len(unpadded)-1] + string(alphabet[last^1]) + encoded[len(unpadded):]
}

// beyondOrder adds the order of the group to the second half of an ed25519 signature: the same point, in a form that RFC 8032 refuses.
func beyondOrder(t testing.TB, encoded string) string {
	t.Helper()
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(signature[32:])
	slices.Reverse(s)
	sum := new(big.Int).SetBytes(s)
	sum.Add(sum, order).FillBytes(s)
	slices.Reverse(s)
	return base64.StdEncoding.EncodeToString(append(signature[:32:32], s...))
}

// whpk wraps the bytes of a public key, given in hexadecimal.
func whpk(t testing.TB, key string) string {
	t.Helper()
	decoded, err := hex.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	return "whpk_" + base64.StdEncoding.EncodeToString(decoded)
}
