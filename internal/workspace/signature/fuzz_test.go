package signature_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// FuzzVerify compares with the reference library. In the signature header, every $ stands for the right v1 signature, as the
// fuzzer could not make one.
func FuzzVerify(f *testing.F) {
	for _, seed := range []struct{ id, timestamp, signatures, svix, body string }{
		{"msg_1", "1795164060", "$", "", "{}"},
		{"msg_1", "1795164060", "v1,x v2,y $ v1a,z", "", ""},
		{"msg.1", "1795164060", "$", "", "a.b"},
		{"msg_1", "+1795164060", "$", "", "{}"},
		{"msg_1", "001795164060", "$", "", "{}"},
		{"msg_1", "-1", "$", "", "{}"},
		{"msg_1", "1795164060", "$,x", "msg_1", "{}"},
		{"msg_1", "1795164060", "  $  ", "msg_2", "{}"},
		{"msg_1", "1795164060", "$ v1,\t", "", "\x00\xff"},
		{"msg_1", "999999999999", "v1,$", "", "{}"},
	} {
		f.Add(seed.id, seed.timestamp, seed.signatures, seed.svix, []byte(seed.body))
	}
	verifier, reference := timeless(f, secretB+" "+publicKey+" "+secretA), mustReference(f, secretA)
	f.Fuzz(func(t *testing.T, id, timestamp, signatures, svix string, body []byte) {
		right := hmacSignature(t, id+"."+timestamp+"."+string(body))
		h := headers(id, timestamp, strings.ReplaceAll(signatures, "$", right))
		want := reference.VerifyIgnoringTimestamp(body, h)
		if svix != "" {
			h.Set("svix-id", svix)
		}
		message, got := verifier.Verify(h, body)
		reason := reasonOf(t, got)
		if got == nil && (message.ID != id || !slices.Contains(strings.Fields(h.Get("webhook-signature")), right)) {
			t.Fatalf("accepted as %+v without the right signature", message)
		}
		if conflict := svix != "" && svix != id; conflict && got == nil {
			t.Fatal("accepted with differing headers")
		} else if !conflict && !beyondReference(h) && (want == nil) != (got == nil) {
			t.Fatalf("the reference library says %v, we say %q", want, reason)
		}
	})
}

// FuzzParseKeys checks that errors don't quote secrets, that what is accepted is as documented, and that it verifies.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{
		"", " ", secretA, secretB + "\n" + publicKey, privateKey, "whsec_", "whpk_" + strings.Repeat("A", 43) + "=", secretA + "," + secretB,
		manySecrets(17), "whsec_" + publicKey[5:] + " " + publicKey, secretA + "\u00a0" + secretA, "whpk_7f" + strings.Repeat("/", 40) + "8=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := signature.ParseKeys(text)
		if err != nil {
			if keys != nil {
				t.Error("keys beside an error")
			}
			checkQuotesNothing(t, err.Error(), text)
			return
		}
		for secret := range strings.FieldsSeq(text) {
			checkAccepted(t, keys, secret)
		}
	})
}

// checkQuotesNothing fails if an error repeats a longer part of a secret than chance could explain.
func checkQuotesNothing(t *testing.T, message, text string) {
	t.Helper()
	for secret := range strings.FieldsSeq(text) {
		_, secret, _ = strings.Cut(secret, "_")
		for part := range slices.Chunk([]byte(secret), 12) {
			if len(part) == 12 && strings.Contains(message, string(part)) {
				t.Fatalf("the error %q quotes %q", message, part)
			}
		}
	}
}

// smallOrderPoints are the encodings, sign bit cleared, of all points that eight times themselves are neutral.
var smallOrderPoints = []string{
	"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func checkAccepted(t *testing.T, keys *signature.Keys, secret string) {
	t.Helper()
	kind, encoded, _ := strings.Cut(secret, "_")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != encoded {
		t.Fatalf("accepted %q, which is not canonical base64", secret)
	}
	switch kind {
	case "whsec":
		signer, err := signature.NewSigner(secret)
		if err != nil || len(raw) < 24 || len(raw) > 64 {
			t.Fatalf("accepted %q: %v", secret, err)
		}
		checkVerifies(t, keys, signer.Sign("msg_1", signedAt, body))
	case "whpk":
		raw[31] &= 0x7f
		if len(raw) != 32 || slices.Contains(smallOrderPoints, hex.EncodeToString(raw)) {
			t.Fatalf("accepted %q", secret)
		}
	default:
		t.Fatalf("accepted %q", secret)
	}
}

func checkVerifies(t *testing.T, keys *signature.Keys, h http.Header) {
	t.Helper()
	verifier := signature.NewVerifier(func() *signature.Keys { return keys }, 0, now)
	if _, err := verifier.Verify(h, body); err != nil {
		t.Errorf("refused what was signed with one of the keys: %q", reasonOf(t, err))
	}
}
