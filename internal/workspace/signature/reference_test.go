package signature_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func mustReference(t testing.TB, secret string) *standardwebhooks.Webhook {
	t.Helper()
	reference, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

// timeless verifies with a tolerance of 292 years, so that the timestamp does not matter, as in VerifyIgnoringTimestamp.
func timeless(t testing.TB, secrets string) *signature.Verifier {
	t.Helper()
	keys := mustKeys(t, secrets)
	return signature.NewVerifier(func() *signature.Keys { return keys }, math.MaxInt64, func() time.Time { return signedAt })
}

// beyondReference says whether a request is one of those that the reference library takes and we refuse (see the package
// documentation), or that the two read differently.
func beyondReference(h http.Header) bool {
	timestamp := h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp || seconds < 0 || seconds >= 9e9 {
		return true // the reference re-prints it
	}
	signatures := strings.Fields(h.Get("webhook-signature"))
	for i, one := range strings.Split(h.Get("webhook-signature"), " ") {
		if i >= 16 || strings.Count(one, ",") > 1 {
			return true
		}
	}
	return len(signatures) == 0 || !signature.ValidID(h.Get("webhook-id"))
}

func TestVerifier_AgreesWithReferenceLibrary(t *testing.T) {
	sign := func(content string) string { return hmacSignature(t, content) }
	good := sign("id.1795164060.{}")
	for name, h := range map[string]http.Header{
		"signed":        headers("id", "1795164060", good),
		"wrong":         headers("id", "1795164061", good),
		"several":       headers("id", "1795164060", "v1,x v2,y v1a,z "+good),
		"several wrong": headers("id", "1795164060", "v1,x v2,y v1a,z"),
		"unknown":       headers("id", "1795164060", "v2,"+strings.TrimPrefix(good, "v1,")),
		"stray bits":    headers("id", "1795164060", "v1,"+strayBits(good[3:])),
		"no padding":    headers("id", "1795164060", strings.TrimRight(good, "=")),
		"no signature":  headers("id", "1795164060", ""),
		"no id":         headers("", "1795164060", sign(".1795164060.{}")),
		"no timestamp":  headers("id", "", sign("id..{}")),
		"words":         headers("id", "now", sign("id.now.{}")),
		"epoch":         headers("id", "0", sign("id.0.{}")),
	} {
		t.Run(name, func(t *testing.T) {
			want := mustReference(t, secretA).VerifyIgnoringTimestamp([]byte("{}"), h)
			_, got := timeless(t, secretA).Verify(h, []byte("{}"))
			if (want == nil) != (got == nil) {
				t.Errorf("the reference library says %v, we say %q", want, reasonOf(t, got))
			}
		})
	}
}

// What the reference library takes and we don't. Each is documented in the package.
func TestVerifier_IsStricterThanReferenceLibrary(t *testing.T) {
	sign := func(content string) string { return hmacSignature(t, content) }
	good := sign("id.1795164060.{}")
	repeated := headers("id", "1795164060", good)
	repeated.Add("webhook-id", "other")
	conflicting := headers("id", "1795164060", good)
	conflicting.Set("svix-id", "other")
	for name, h := range map[string]http.Header{
		"full stop in the id": headers("a.b", "1795164060", sign("a.b.1795164060.{}")),
		"space in the id":     headers("a b", "1795164060", sign("a b.1795164060.{}")),
		"long id":             headers(strings.Repeat("a", 129), "1795164060", sign(strings.Repeat("a", 129)+".1795164060.{}")),
		"plus sign":           headers("id", "+1795164060", good),
		"re-printed zeros":    headers("id", "001795164060", good),
		"before 1970":         headers("id", "-1", sign("id.-1.{}")),
		"another comma":       headers("id", "1795164060", good+",x"),
		"17th signature":      headers("id", "1795164060", strings.Repeat("v1,x ", 16)+good),
		"repeated header":     repeated,
		"conflicting header":  conflicting,
	} {
		t.Run(name, func(t *testing.T) {
			if err := mustReference(t, secretA).VerifyIgnoringTimestamp([]byte("{}"), h); err != nil {
				t.Errorf("the reference library refuses it too: %v", err)
			}
			if _, err := timeless(t, secretA).Verify(h, []byte("{}")); err == nil {
				t.Error("we take it")
			}
		})
	}
}

func TestSigner_SignsAsReferenceLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := drawSecret(t)
		id, at, body := drawID(t), drawTime(t), rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		reference, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		want, err := reference.Sign(id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := signature.NewSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		h := signer.Sign(id, at, body)
		if got := h.Get("webhook-signature"); got != want {
			t.Errorf("signature %s, the reference library makes %s", got, want)
		}
		if err := reference.VerifyIgnoringTimestamp(body, h); err != nil {
			t.Errorf("the reference library refuses our headers: %v", err)
		}
	})
}
