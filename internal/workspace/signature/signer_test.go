package signature_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func TestNewSigner_RejectsBadSecrets(t *testing.T) {
	otherHalf := "whsk_" + strings.Replace(privateKey[5:], "1SiA", "aSiA", 1)
	otherHalf = otherHalf[:48] + "A" + otherHalf[49:]
	for name, test := range map[string]struct{ secret, want string }{
		"empty":          {"", "there is no secret"},
		"public key":     {publicKey, "secret 1: a whpk_ public key can't sign: give its private key (whsk_)"},
		"short":          {whsec(23), "secret 1: a whsec_ secret has 24 to 64 bytes"},
		"no prefix":      {"secret", "secret 1: it does not start with whsec_, whsk_ or whpk_"},
		"private, size":  {"whsk_" + secretA[6:], "secret 1: a whsk_ private key has 32 bytes, or 64 with its public key"},
		"private, zeros": {"whsk_" + strings.Repeat("A", 43) + "=", "secret 1: a whsk_ private key of one repeated byte is no secret"},
		"private, halves": {
			otherHalf,
			"secret 1: the two halves of the whsk_ private key do not belong together",
		},
		"several": {secretA + " x " + publicKey, "secret 2: it does not start with whsec_, whsk_ or whpk_\n" +
			"secret 3: a whpk_ public key can't sign: give its private key (whsk_)"},
		"too many": {manySecrets(17), "there are 17 secrets, at most 16 are possible"},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := signature.NewSigner(test.secret)
			if err == nil || signer != nil {
				t.Fatalf("got %v and the error %v, want the error %q", signer, err, test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSigner_SignsOnceWithEachKey(t *testing.T) {
	signer := mustSigner(t, strings.Join([]string{secretA, privateKey, secretA, secretB, privateKey}, " "))
	var versions []string
	for one := range strings.SplitSeq(signer.Sign("msg_1", signedAt, body).Get("Webhook-Signature"), " ") {
		version, _, _ := strings.Cut(one, ",")
		versions = append(versions, version)
	}
	if diff := cmp.Diff([]string{"v1", "v1a", "v1"}, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestSigner_SignsWholeSeconds(t *testing.T) {
	at := time.Date(2026, 11, 20, 9, 41, 0, 999_999_999, time.FixedZone("", 3600))
	if got := mustSigner(t, secretA).Sign("msg_1", at, body).Get("Webhook-Timestamp"); got != "1795164060" {
		t.Errorf("timestamp %s, want 1795164060", got)
	}
}

func TestSigner_PanicsOnInvalidID(t *testing.T) {
	for _, id := range []string{"", "a.1614265330", "a b", "a\nb", strings.Repeat("a", 129)} {
		t.Run(id, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("signed, want a panic")
				}
			}()
			mustSigner(t, secretA).Sign(id, signedAt, body)
		})
	}
}

func TestSigner_KeysVerify(t *testing.T) {
	for _, secret := range []string{secretA, privateKey, secretA + " " + privateKey} {
		signer := mustSigner(t, secret)
		want := mustKeys(t, strings.ReplaceAll(secret, privateKey, publicKey))
		if !signer.Keys().Overlaps(want) || signer.Keys().String() != want.String() {
			t.Errorf("keys %v, want %v", signer.Keys(), want)
		}
	}
}

func TestNewSecret_IsUsableAndNew(t *testing.T) {
	a, b := signature.NewSecret(), signature.NewSecret()
	if a == b {
		t.Errorf("twice the same secret")
	}
	if got := len(decoded(t, a)); got != 32 {
		t.Errorf("%d bytes, want 32", got)
	}
	if !mustSigner(t, a).Keys().Overlaps(mustKeys(t, a)) {
		t.Error("the secret does not work")
	}
}

func ExampleSigner_Sign() {
	signer, err := signature.NewSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		panic(err)
	}
	h := signer.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	fmt.Println(h.Get("webhook-signature"))
	// Output: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
}
