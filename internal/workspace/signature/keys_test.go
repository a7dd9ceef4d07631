package signature_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// whsec makes a secret of n different bytes.
func whsec(n int) string {
	secret := make([]byte, n)
	for i := range secret {
		secret[i] = byte(i)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}

func TestParseKeys_AcceptsSecretsAndPublicKeys(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"one":              {secretA, "1 symmetric, 0 public"},
		"public":           {publicKey, "0 symmetric, 1 public"},
		"both":             {secretA + " " + publicKey, "1 symmetric, 1 public"},
		"every separator":  {"\n" + secretA + "\r\n\t" + secretB + "  \n", "2 symmetric, 0 public"},
		"duplicates":       {secretA + " " + publicKey + " " + secretA + " " + publicKey, "1 symmetric, 1 public"},
		"shortest":         {whsec(24), "1 symmetric, 0 public"},
		"longest":          {whsec(64), "1 symmetric, 0 public"},
		"as many as can":   {manySecrets(signature.MaxKeys), "16 symmetric, 0 public"},
		"generated":        {signature.NewSecret() + " " + signature.NewSecret(), "2 symmetric, 0 public"},
		"the base point":   {whpk(t, "5866666666666666666666666666666666666666666666666666666666666666"), "0 symmetric, 1 public"},
		"RFC 8032, test 1": {whpk(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), "0 symmetric, 1 public"},
		"RFC 8032, test 2": {whpk(t, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), "0 symmetric, 1 public"},
		"RFC 8032, test 3": {whpk(t, "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"), "0 symmetric, 1 public"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustKeys(t, test.text).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func manySecrets(n int) string {
	var all strings.Builder
	for i := range n {
		all.WriteString("whsec_" + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "secret of 24 bytes no. %02d", i)) + "\n")
	}
	return all.String()
}

func TestParseKeys_RejectsBadSecrets(t *testing.T) {
	const notBase64 = "secret 1: what follows whsec_ is not standard base64 with padding"
	const noSecret = "secret 1: a whsec_ secret of a few repeated bytes is no secret"
	for name, test := range map[string]struct{ text, want string }{
		"empty":            {"", "there is no secret"},
		"white space":      {" \n\t", "there is no secret"},
		"too many":         {manySecrets(signature.MaxKeys + 1), "there are 17 secrets, at most 16 are possible"},
		"private key":      {privateKey, "secret 1: a whsk_ private key can only sign: give its public key (whpk_)"},
		"no prefix":        {secretA[6:], "secret 1: it does not start with whsec_, whsk_ or whpk_"},
		"other case":       {"WHSEC_" + secretA[6:], "secret 1: it does not start with whsec_, whsk_ or whpk_"},
		"prefix alone":     {"whsec_", "secret 1: a whsec_ secret has 24 to 64 bytes"},
		"too short":        {whsec(23), "secret 1: a whsec_ secret has 24 to 64 bytes"},
		"too long":         {whsec(65), "secret 1: a whsec_ secret has 24 to 64 bytes"},
		"zeros":            {"whsec_" + strings.Repeat("A", 32), noSecret},
		"ones":             {"whsec_" + strings.Repeat("/", 32), noSecret},
		"a row of x":       {"whsec_" + strings.Repeat("x", 32), noSecret},
		"changeme":         {"whsec_" + strings.Repeat("changeme", 4), noSecret},
		"the documents'":   {"whsec_…", notBase64},
		"three dots":       {"whsec_...", notBase64},
		"no padding":       {strings.TrimRight(secretB, "="), notBase64},
		"stray bits":       {"whsec_" + strayBits(secretB[6:]), notBase64},
		"URL alphabet":     {strings.ReplaceAll(secretB, "/", "_"), notBase64},
		"comma separated":  {secretA + "," + secretA, notBase64},
		"quoted":           {`"` + secretA + `"`, "secret 1: it does not start with whsec_, whsk_ or whpk_"},
		"secret as public": {"whpk_" + secretA[6:], "secret 1: a whpk_ public key has 32 bytes"},
		"public as secret": {publicKey + " whsec_" + publicKey[5:], "a whsec_ secret equals a whpk_ public key, which is not secret"},
		"several at a time": {secretA + " x\n" + privateKey + " " + secretB + " whsec_!", "" +
			"secret 2: it does not start with whsec_, whsk_ or whpk_\n" +
			"secret 3: a whsk_ private key can only sign: give its public key (whpk_)\n" +
			"secret 5: what follows whsec_ is not standard base64 with padding"},
	} {
		t.Run(name, func(t *testing.T) { parsingFails(t, test.text, test.want) })
	}
}

func parsingFails(t *testing.T, text, want string) {
	t.Helper()
	keys, err := signature.ParseKeys(text)
	if err == nil {
		t.Fatalf("accepted as %s, want the error %q", keys, want)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if keys != nil {
		t.Error("there are keys beside the error")
	}
}

// The points are the eight of small order and their second spellings, as libsodium lists
// them; 2 is no point's y.
func TestParseKeys_RejectsWeakPublicKeys(t *testing.T) {
	const (
		smallOrder   = "secret 1: the whpk_ public key is of small order: anyone could sign for it"
		notCanonical = "secret 1: the whpk_ public key is not in canonical form"
		notOnCurve   = "secret 1: the whpk_ public key is not a point of the curve"
		zeros        = "00000000000000000000000000000000000000000000000000000000000000"
		ones         = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	)
	for name, test := range map[string]struct{ key, want string }{
		"all zero (order 4)":           {"00" + zeros, smallOrder},
		"order 4, sign set":            {zeros + "80", smallOrder},
		"order 1":                      {"01" + zeros, smallOrder},
		"order 2":                      {"ec" + ones + "7f", smallOrder},
		"order 8":                      {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", smallOrder},
		"order 8, sign set":            {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", smallOrder},
		"order 8, other":               {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", smallOrder},
		"order 8, other, sign set":     {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", smallOrder},
		"order 1, spelled as p+1":      {"ee" + ones + "7f", notCanonical},
		"order 1, sign of zero":        {"01" + zeros[:60] + "80", notCanonical},
		"order 2, sign of zero":        {"ec" + ones + "ff", notCanonical},
		"order 4, spelled as p":        {"ed" + ones + "7f", notCanonical},
		"order 4, as p, sign set":      {"ed" + ones + "ff", notCanonical},
		"beyond p":                     {"ff" + ones + "7f", notCanonical},
		"all ones":                     {"ff" + ones + "ff", notCanonical},
		"no point":                     {"02" + zeros, notOnCurve},
		"31 bytes":                     {zeros, "secret 1: a whpk_ public key has 32 bytes"},
		"33 bytes":                     {"0000" + zeros, "secret 1: a whpk_ public key has 32 bytes"},
		"nothing":                      {"", "secret 1: a whpk_ public key has 32 bytes"},
		"a secret key with its public": {strings.Repeat("01", 64), "secret 1: a whpk_ public key has 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) { parsingFails(t, whpk(t, test.key), test.want) })
	}
}

func TestKeys_Overlaps(t *testing.T) {
	sameHMACKey := "whsec_" + base64.StdEncoding.EncodeToString(append(decoded(t, secretA), 0, 0))
	for name, test := range map[string]struct {
		a, b string
		want bool
	}{
		"same":                   {secretA, secretA, true},
		"different":              {secretA, secretB, false},
		"one of several":         {secretB + " " + secretA, publicKey + " " + secretA, true},
		"same public key":        {publicKey, publicKey, true},
		"nothing in common":      {secretA + " " + publicKey, secretB, false},
		"the same key to HMAC":   {secretA, sameHMACKey, true},
		"public key as a secret": {publicKey, "whsec_" + publicKey[5:], true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustKeys(t, test.a), mustKeys(t, test.b)
			if a.Overlaps(b) != test.want || b.Overlaps(a) != test.want {
				t.Errorf("got %v and %v, want %v", a.Overlaps(b), b.Overlaps(a), test.want)
			}
		})
	}
	var none *signature.Keys
	if none.Overlaps(none) || none.Overlaps(mustKeys(t, secretA)) || mustKeys(t, secretA).Overlaps(none) {
		t.Error("the empty set overlaps")
	}
}

func decoded(t *testing.T, secret string) []byte {
	t.Helper()
	_, text, _ := strings.Cut(secret, "_")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeys_AndSignersDontShowSecrets(t *testing.T) {
	keys, signer := mustKeys(t, secretA), mustSigner(t, secretA+" "+privateKey)
	type config struct {
		Keys   *signature.Keys
		keys   *signature.Keys
		signer *signature.Signer
	}
	for _, value := range []any{keys, signer, config{keys, keys, signer}, &config{keys, keys, signer}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			shown := fmt.Sprintf(format, value)
			for _, secret := range [][]byte{decoded(t, secretA), decoded(t, privateKey)[:32]} {
				for _, form := range spellings(secret) {
					if strings.Contains(shown, form) {
						t.Errorf("%s of %T shows the secret", format, value)
					}
				}
			}
		}
	}
}

// spellings returns the first bytes of a secret in the forms in which fmt and others could show them.
func spellings(secret []byte) []string {
	few := secret[:6]
	return []string{
		string(few), strings.Trim(fmt.Sprintf("%d", few), "[]"), fmt.Sprintf("% x", few),
		hex.EncodeToString(few), strings.Trim(fmt.Sprintf("%#v", few), "[]byte{}"), base64.StdEncoding.EncodeToString(few),
	}
}
