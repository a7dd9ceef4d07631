package signature_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func drawSecret(t *rapid.T) string {
	varied := rapid.SliceOfNDistinct(rapid.Byte(), 8, 8, rapid.ID).Draw(t, "varied part of the secret")
	rest := rapid.SliceOfN(rapid.Byte(), 16, 56).Draw(t, "rest of the secret")
	return "whsec_" + base64.StdEncoding.EncodeToString(slices.Concat(varied, rest))
}

func drawPrivate(t *rapid.T) string {
	seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Filter(func(b []byte) bool { return len(slices.Compact(slices.Clone(b))) > 1 })
	return "whsk_" + base64.StdEncoding.EncodeToString(seed.Draw(t, "seed"))
}

func drawID(t *rapid.T) string {
	return rapid.StringMatching(`[!-\-/-~]{1,128}`).Draw(t, "id")
}

func drawTime(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(0, 999_999_999_999).Draw(t, "seconds"), 0).UTC()
}

// Whatever is signed is accepted under the signer's keys, within the tolerance, and nothing else is.
func TestVerifier_AcceptsExactlyWhatWasSigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.Custom(drawSecret).Draw(t, "symmetric")
		if rapid.Bool().Draw(t, "is asymmetric") {
			secret = drawPrivate(t)
		}
		signer, err := signature.NewSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		id, at, body := drawID(t), drawTime(t), rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		h := signer.Sign(id, at, body)
		tolerance := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "tolerance"))
		skew := time.Duration(rapid.Int64Range(-int64(2*time.Hour), int64(2*time.Hour)).Draw(t, "skew"))
		verifier := signature.NewVerifier(signer.Keys, tolerance, func() time.Time { return at.Add(skew) })

		message, err := verifier.Verify(h, body)
		if fresh := skew.Abs() <= tolerance; fresh != (err == nil) {
			t.Fatalf("skew %v within %v: %v", skew, tolerance, err)
		}
		if err == nil && (message.ID != id || !message.Timestamp.Equal(at)) {
			t.Errorf("got %+v, want %s at %s", message, id, at)
		}

		verifier = signature.NewVerifier(signer.Keys, tolerance, func() time.Time { return at })
		name := rapid.SampledFrom([]string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "body"}).Draw(t, "changed")
		if name == "body" {
			body = changed(t, body)
		} else {
			h[name] = []string{string(changed(t, []byte(h.Get(name))))}
		}
		if _, err := verifier.Verify(h, body); err == nil && !sameSignatures(name, h.Get(name)) {
			t.Errorf("accepted with another %s: %q", name, h.Get(name))
		}
	})
}

// changed returns the text with one byte removed, replaced or added.
func changed(t *rapid.T, text []byte) []byte {
	at := rapid.IntRange(0, len(text)).Draw(t, "at")
	end := min(at+rapid.IntRange(0, 1).Draw(t, "removed"), len(text))
	insert := rapid.SliceOfN(rapid.Byte(), 0, 1).Draw(t, "inserted")
	if slices.Equal(insert, text[at:end]) {
		insert = append(insert, 'x')
	}
	return slices.Concat(text[:at], insert, text[end:])
}

// sameSignatures says whether a changed header still holds the signature: only spaces around it were added.
func sameSignatures(name, value string) bool {
	trimmed := strings.Trim(value, " ")
	return name == "Webhook-Signature" && len(trimmed) == len(value)-1
}
