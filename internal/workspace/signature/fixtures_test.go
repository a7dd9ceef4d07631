package signature_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	secretA    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB    = "whsec_kyzgPvtmrBEPSnI0PNNBiIL2BICfYMMcK3u/sg0ieus="
	privateKey = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	publicKey  = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
)

// signedAt is when the requests of the tests are made.
var signedAt = time.Date(2026, 11, 20, 8, 41, 0, 0, time.UTC)

// vector is one entry of testdata/vectors.json, which was computed by other programs than this package.
type vector struct {
	Name      string `json:"name"`
	Signing   string `json:"signing_secret"`
	Verifying string `json:"verifying_secret"`
	ID        string `json:"id"`
	Timestamp string `json:"timestamp"`
	Body      string `json:"body"`
	Signature string `json:"signature"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 11 {
		t.Fatalf("there are %d vectors, want at least 11", len(all))
	}
	return all
}

func (v *vector) headers() http.Header {
	return headers(v.ID, v.Timestamp, v.Signature)
}

func headers(id, timestamp, signatures string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", timestamp)
	h.Set("webhook-signature", signatures)
	return h
}

func mustSigner(t testing.TB, secrets string) *signature.Signer {
	t.Helper()
	signer, err := signature.NewSigner(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func mustKeys(t testing.TB, secrets string) *signature.Keys {
	t.Helper()
	keys, err := signature.ParseKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// verifierAt verifies with the secrets, by a clock that stands still.
func verifierAt(t testing.TB, secrets string, now time.Time) *signature.Verifier {
	t.Helper()
	keys := mustKeys(t, secrets)
	return signature.NewVerifier(func() *signature.Keys { return keys }, 5*time.Minute, func() time.Time { return now })
}
