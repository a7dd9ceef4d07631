package signature_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

var body = []byte(`{"type":"ping"}`)

const accepted = signature.Reason("")

// reasonOf returns why a request was refused, and fails the test if an error is not as every error must be.
func reasonOf(t testing.TB, err error) signature.Reason {
	t.Helper()
	if err == nil {
		return accepted
	}
	var refusal *signature.Error
	if !errors.As(err, &refusal) || !errors.Is(err, signature.ErrInvalid) {
		t.Fatalf("error %T %v is not an *Error that wraps ErrInvalid", err, err)
	}
	if err.Error() != signature.ErrInvalid.Error() {
		t.Errorf("error text %q tells more than %q", err, signature.ErrInvalid)
	}
	if !slices.Contains(signature.Reasons(), refusal.Reason) {
		t.Errorf("reason %q is not one of Reasons()", refusal.Reason)
	}
	return refusal.Reason
}

// refused checks that a request signed with secretA is refused for the reason, or accepted.
func refused(t *testing.T, h http.Header, want signature.Reason) {
	t.Helper()
	message, err := verifierAt(t, secretA, signedAt).Verify(h, body)
	if got := reasonOf(t, err); got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if err != nil && message != (signature.Message{}) {
		t.Errorf("a refused request gave the message %v", message)
	}
}

// signed returns the headers of a request that is accepted.
func signed(t testing.TB) http.Header {
	t.Helper()
	return mustSigner(t, secretA).Sign("msg_1", signedAt, body)
}

func TestVerifier_AcceptsSignedRequest(t *testing.T) {
	refused(t, signed(t), accepted)
}

func TestVerifier_RejectsMissingHeader(t *testing.T) {
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		for what, value := range map[string][]string{"absent": nil, "without value": {}, "empty": {""}} {
			t.Run(name+" "+what, func(t *testing.T) {
				h := signed(t)
				h[name] = value
				refused(t, h, signature.ReasonMissingHeader)
			})
		}
	}
	refused(t, nil, signature.ReasonMissingHeader)
}

func TestVerifier_RejectsRepeatedHeader(t *testing.T) {
	for name, values := range signed(t) {
		svix := strings.Replace(name, "Webhook", "Svix", 1)
		for _, repeated := range []string{name, svix} {
			t.Run(repeated, func(t *testing.T) {
				h := signed(t)
				h[repeated] = []string{values[0], values[0]}
				refused(t, h, signature.ReasonRepeatedHeader)
			})
		}
	}
}

func TestVerifier_AcceptsSvixHeaders(t *testing.T) {
	svix := func(h http.Header, suffix string) {
		h["Svix-"+suffix] = h["Webhook-"+suffix]
	}
	alone, both, mixed := signed(t), signed(t), signed(t)
	for _, suffix := range []string{"Id", "Timestamp", "Signature"} {
		svix(both, suffix)
		svix(alone, suffix)
		alone.Del("Webhook-" + suffix)
	}
	svix(mixed, "Id")
	mixed.Del("Webhook-Id")
	for name, h := range map[string]http.Header{"alone": alone, "both alike": both, "mixed": mixed} {
		t.Run(name, func(t *testing.T) { refused(t, h, accepted) })
	}
}

func TestVerifier_RejectsDifferingSvixHeaders(t *testing.T) {
	for _, suffix := range []string{"Id", "Timestamp", "Signature"} {
		for _, value := range []string{"other", "", signed(t).Get("Webhook-"+suffix) + " "} {
			t.Run(suffix+"="+value, func(t *testing.T) {
				h := signed(t)
				h["Svix-"+suffix] = []string{value}
				refused(t, h, signature.ReasonConflictingHeaders)
			})
		}
	}
}

func TestVerifier_RejectsInvalidID(t *testing.T) {
	for name, id := range map[string]string{
		"full stop": "msg.1", "space": "msg 1", "folded": "msg_1, msg_1", "tab": "msg\t1", "line break": "msg\n1", "NUL": "msg\x00",
		"delete": "msg\x7f", "look-alike": "msg_і", "invalid UTF-8": "msg\xff", "leading space": " msg_1", "too long": strings.Repeat("a", 129),
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, headers(id, "1795164060", signed(t).Get("Webhook-Signature")), signature.ReasonInvalidID)
		})
	}
}

func TestVerifier_AcceptsLongestID(t *testing.T) {
	id := strings.Repeat("~", signature.MaxIDLength)
	refused(t, mustSigner(t, secretA).Sign(id, signedAt, body), accepted)
}

func TestVerifier_RejectsInvalidTimestamp(t *testing.T) {
	for _, timestamp := range []string{
		"+1795164060", "-1795164060", "179516406:", "179516406/",
		" 1795164060", "1795164060 ", "1795164060.0", "1795164060,1795164060", "1_795_164_060",
		"0x6b00381c", "1795164060s", "٣", "１７９５１６４０６０", "1e9", "now", "0001795164060", "18446744073709551616", "2026-11-20T08:41:00Z",
	} {
		t.Run(timestamp, func(t *testing.T) {
			refused(t, headers("msg_1", timestamp, signed(t).Get("Webhook-Signature")), signature.ReasonInvalidTimestamp)
		})
	}
}

// The timestamp is signed as it is sent: what a library that re-prints it makes of 001795164060 is another message.
func TestVerifier_SignsTimestampAsSent(t *testing.T) {
	const padded = "001795164060"
	refused(t, headers("msg_1", padded, hmacSignature(t, "msg_1."+padded+"."+string(body))), accepted)
	refused(t, headers("msg_1", padded, signed(t).Get("Webhook-Signature")), signature.ReasonNoMatchingSignature)
}

func TestVerifier_RejectsStaleTimestamp(t *testing.T) {
	for name, test := range map[string]struct {
		now  time.Time
		want signature.Reason
	}{
		"stale":          {signedAt.Add(5*time.Minute + time.Nanosecond), signature.ReasonStaleTimestamp},
		"as old as can":  {signedAt.Add(5 * time.Minute), accepted},
		"as new as can":  {signedAt.Add(-5 * time.Minute), accepted},
		"future":         {signedAt.Add(-5*time.Minute - time.Nanosecond), signature.ReasonFutureTimestamp},
		"centuries old":  {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), signature.ReasonStaleTimestamp},
		"millennia away": {time.Time{}, signature.ReasonFutureTimestamp},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifierAt(t, secretA, test.now).Verify(signed(t), body)
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("reason %q, want %q", got, test.want)
			}
		})
	}
}

func TestVerifier_RejectsChangedRequest(t *testing.T) {
	sign := mustSigner(t, secretA).Sign
	for name, test := range map[string]struct {
		h    http.Header
		body []byte
	}{
		"id of another":      {headers("msg_2", "1795164060", signed(t).Get("Webhook-Signature")), body},
		"another second":     {headers("msg_1", "1795164061", signed(t).Get("Webhook-Signature")), body},
		"truncated body":     {signed(t), body[:len(body)-1]},
		"longer body":        {signed(t), append(slices.Clone(body), '\n')},
		"no body":            {signed(t), nil},
		"moved full stop":    {headers("msg", "1795164060", sign("msg_1", signedAt, body).Get("Webhook-Signature")), body},
		"wrong secret":       {mustSigner(t, secretB).Sign("msg_1", signedAt, body), body},
		"secret of trimmed":  {mustSigner(t, secretA[:len(secretA)-4]+"AAAA").Sign("msg_1", signedAt, body), body},
		"other body, signed": {sign("msg_1", signedAt, []byte(`{}`)), body},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifierAt(t, secretA, signedAt).Verify(test.h, test.body)
			if got := reasonOf(t, err); got != signature.ReasonNoMatchingSignature {
				t.Errorf("reason %q, want %q", got, signature.ReasonNoMatchingSignature)
			}
		})
	}
}

func TestVerifier_ReadsSignatureList(t *testing.T) {
	good := signed(t).Get("Webhook-Signature")
	wrong := "v1," + strings.Repeat("A", 43) + "="
	encoded := strings.TrimPrefix(good, "v1,")
	for name, test := range map[string]struct {
		signatures string
		want       signature.Reason
	}{
		"good after wrong":        {wrong + " " + good, accepted},
		"good before wrong":       {good + " " + wrong, accepted},
		"several spaces":          {"  " + good, accepted},
		"unknown versions":        {"v2," + encoded + " v1b,x none " + good, accepted},
		"16th":                    {strings.Repeat(wrong+" ", 15) + good, accepted},
		"17th":                    {strings.Repeat(wrong+" ", 16) + good, signature.ReasonNoMatchingSignature},
		"17th after unknown":      {strings.Repeat("v9,x ", 16) + good, signature.ReasonNoUsableSignature},
		"1,000 signatures":        {strings.Repeat(wrong+" ", 1000), signature.ReasonNoMatchingSignature},
		"only unknown":            {"v2," + encoded, signature.ReasonNoUsableSignature},
		"no version":              {encoded, signature.ReasonNoUsableSignature},
		"empty version":           {"," + encoded, signature.ReasonNoUsableSignature},
		"upper case version":      {"V1," + encoded, signature.ReasonNoUsableSignature},
		"as ed25519":              {"v1a," + encoded, signature.ReasonNoUsableSignature},
		"nothing":                 {"v1,", signature.ReasonNoUsableSignature},
		"spaces":                  {"   ", signature.ReasonNoUsableSignature},
		"tab":                     {"x\t" + good, signature.ReasonNoUsableSignature},
		"comma between":           {good + "," + wrong, signature.ReasonNoUsableSignature},
		"comma after":             {good + ",", signature.ReasonNoUsableSignature},
		"without padding":         {strings.TrimSuffix(good, "="), signature.ReasonNoUsableSignature},
		"stray bits":              {"v1," + strayBits(encoded), signature.ReasonNoMatchingSignature},
		"other case":              {"v1," + strings.ToLower(encoded), signature.ReasonNoMatchingSignature},
		"first half":              {good[:len(good)/2], signature.ReasonNoUsableSignature},
		"repeated to other sizes": {good + encoded, signature.ReasonNoUsableSignature},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, headers("msg_1", "1795164060", test.signatures), test.want)
		})
	}
}

func TestVerifier_TriesEveryKey(t *testing.T) {
	all := strings.Join([]string{secretA, publicKey, secretB}, "\n")
	for name, secret := range map[string]string{"first": secretA, "last": secretB, "public": privateKey} {
		t.Run(name, func(t *testing.T) {
			h := mustSigner(t, secret).Sign("msg_1", signedAt, body)
			if _, err := verifierAt(t, all, signedAt).Verify(h, body); err != nil {
				t.Errorf("reason %q", reasonOf(t, err))
			}
		})
	}
}

// A secret is rotated by adding the new one here, sending with both, then with the new one, and removing the old one here.
func TestVerifier_AcceptsThroughoutRotation(t *testing.T) {
	for _, step := range []struct{ sender, receiver string }{
		{secretA, secretA},
		{secretA, secretA + " " + secretB},
		{secretA + " " + secretB, secretA + " " + secretB},
		{secretA + " " + secretB, secretB},
		{secretB, secretB + " " + publicKey},
		{secretB + " " + privateKey, publicKey},
		{privateKey, publicKey},
	} {
		h := mustSigner(t, step.sender).Sign("msg_1", signedAt, body)
		if _, err := verifierAt(t, step.receiver, signedAt).Verify(h, body); err != nil {
			t.Errorf("%+v: reason %q", step, reasonOf(t, err))
		}
	}
}

func TestVerifier_RejectsPublicKeyAsSecret(t *testing.T) {
	asSecret := "whsec_" + strings.TrimPrefix(publicKey, "whpk_")
	h := mustSigner(t, asSecret).Sign("msg_1", signedAt, body)
	_, err := verifierAt(t, publicKey, signedAt).Verify(h, body)
	if got := reasonOf(t, err); got != signature.ReasonNoUsableSignature {
		t.Errorf("reason %q, want %q", got, signature.ReasonNoUsableSignature)
	}
	_, err = verifierAt(t, publicKey+" "+secretA, signedAt).Verify(h, body)
	if got := reasonOf(t, err); got != signature.ReasonNoMatchingSignature {
		t.Errorf("with a secret beside it: reason %q, want %q", got, signature.ReasonNoMatchingSignature)
	}
}

func TestVerifier_RejectsChangedEd25519Signature(t *testing.T) {
	encoded := strings.TrimPrefix(mustSigner(t, privateKey).Sign("msg_1", signedAt, body).Get("Webhook-Signature"), "v1a,")
	for name, test := range map[string]struct {
		signature string
		want      signature.Reason
	}{
		"as it was":       {"v1a," + encoded, accepted},
		"without padding": {"v1a," + strings.TrimRight(encoded, "="), signature.ReasonNoUsableSignature},
		"stray bits":      {"v1a," + encoded[:85] + "h==", signature.ReasonNoUsableSignature},
		"line break":      {"v1a," + encoded[:84] + "\r\n\r\n", signature.ReasonNoUsableSignature},
		"changed":         {"v1a,A" + encoded[1:], signature.ReasonNoMatchingSignature},
		"S beyond order":  {"v1a," + beyondOrder(t, encoded), signature.ReasonNoMatchingSignature},
		"another version": {"v1b," + encoded, signature.ReasonNoUsableSignature},
		"as HMAC":         {"v1," + encoded, signature.ReasonNoUsableSignature},
		"zeros":           {"v1a," + strings.Repeat("A", 86) + "==", signature.ReasonNoMatchingSignature},
		"4th":             {strings.Repeat("v1a,A"+encoded[1:]+" ", 3) + "v1a," + encoded, accepted},
		"5th":             {strings.Repeat("v1a,A"+encoded[1:]+" ", 4) + "v1a," + encoded, signature.ReasonNoMatchingSignature},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifierAt(t, publicKey, signedAt).Verify(headers("msg_1", "1795164060", test.signature), body)
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("reason %q, want %q", got, test.want)
			}
		})
	}
}

func TestVerifier_RejectsEverythingWithoutKeys(t *testing.T) {
	for name, keys := range map[string]*signature.Keys{"nil": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			verifier := signature.NewVerifier(func() *signature.Keys { return keys }, time.Hour, func() time.Time { return signedAt })
			_, err := verifier.Verify(mustSigner(t, secretA+" "+privateKey).Sign("msg_1", signedAt, body), body)
			if got := reasonOf(t, err); got != signature.ReasonNoUsableSignature {
				t.Errorf("reason %q, want %q", got, signature.ReasonNoUsableSignature)
			}
		})
	}
}

func TestVerifier_LeavesRequestAsItIs(t *testing.T) {
	h, sent := signed(t), slices.Clone(body)
	before := h.Clone()
	refused(t, h, accepted)
	if diff := cmp.Diff(before, h); diff != "" || !bytes.Equal(sent, body) {
		t.Errorf("the request was changed: %s", diff)
	}
}

func TestVerifier_IsSafeForConcurrentUse(t *testing.T) {
	verifier := verifierAt(t, secretA+" "+publicKey, signedAt)
	signer := mustSigner(t, secretA+" "+privateKey)
	done := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for range 50 {
				own := bytes.Repeat([]byte{'0' + byte(i)}, 100*i)
				_, failed := verifier.Verify(signer.Sign("msg_1", signedAt, own), own)
				err = errors.Join(err, failed)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
