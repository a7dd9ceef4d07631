package signature_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"
)

func now() time.Time { return signedAt }

func BenchmarkVerifier_Verify(b *testing.B) {
	for _, size := range []int{1 << 10, 256 << 10} {
		body := bytes.Repeat([]byte("x"), size)
		for _, kind := range []struct{ name, signing, verifying string }{
			{"v1", secretA, secretA},
			{"v1_of_two", secretB, secretA + " " + secretB},
			{"v1a", privateKey, publicKey},
			{"refused_v1", secretB, secretA},
		} {
			b.Run(kind.name+"/"+strconv.Itoa(size>>10)+"KiB", func(b *testing.B) {
				h := mustSigner(b, kind.signing).Sign("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", signedAt, body)
				verifier := verifierAt(b, kind.verifying, signedAt)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := verifier.Verify(h, body); (err == nil) != (kind.name != "refused_v1") {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// The most expensive request without a valid key: 16 wrong signatures over the largest body, of which four are verified.
func BenchmarkVerifier_RefuseSixteen(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 256<<10)
	h := mustSigner(b, privateKey).Sign("msg_1", signedAt, nil)
	h.Set("webhook-signature", strings.Repeat(h.Get("webhook-signature")+" ", 16))
	verifier := verifierAt(b, publicKey, signedAt)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.Verify(h, body); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkSigner_Sign(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1<<10)
	signer := mustSigner(b, secretA)
	b.ReportAllocs()
	for b.Loop() {
		signer.Sign("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", signedAt, body)
	}
}
