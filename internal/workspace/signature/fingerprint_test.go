package signature_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// Replicas and releases are compared by fingerprints, so they never change. These were computed with Python's
// hashlib.pbkdf2_hmac, in 100,000 rounds: each guess at a secret has to be that slow.
func TestKeys_FingerprintsIdentifyKeys(t *testing.T) {
	want := []string{"d3f8a964", "cd789f96", "1c5c677a"}
	got := mustKeys(t, secretA+" "+publicKey+" "+secretB).Fingerprints()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if alone := mustKeys(t, secretB).Fingerprints(); alone[0] != got[1] {
		t.Errorf("in another set, %s has the fingerprint %s", got[1], alone[0])
	}
	if none := (*signature.Keys)(nil).Fingerprints(); len(none) > 0 {
		t.Errorf("no keys have the fingerprints %v", none)
	}
}

func TestVerifier_NamesTheKeyThatVerified(t *testing.T) {
	keys := mustKeys(t, secretA+" "+secretB+" "+publicKey)
	for i, signing := range []string{secretA, secretB, privateKey} {
		h := mustSigner(t, signing).Sign("msg_1", signedAt, body)
		message, err := verifierAt(t, secretA+" "+secretB+" "+publicKey, signedAt).Verify(h, body)
		if err != nil || message.Key() != keys.Fingerprints()[i] {
			t.Errorf("key %d: %v, %v", i, message, err)
		}
		if text := fmt.Sprintf("%v %+v %#v", message, message, message); strings.Contains(text, strings.TrimPrefix(secretA, "whsec_")) {
			t.Errorf("a message shows the secret: %s", text)
		}
	}
}
