package webhook_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// frameAttacks are requests that two servers might read differently, or that cost a server that waits for them. Where
// the signature is right, the frame still gets nothing stored.
func frameAttacks(t *testing.T) map[string]attack {
	t.Helper()
	head := func(rest string) string { return framed(t, sample, rest) }
	line := func(line string) string {
		return strings.Replace(plain(t, sample), "POST /webhooks/workspace HTTP/1.1", line, 1)
	}
	second := "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Length: 0\r\n\r\n"
	return map[string]attack{
		"a second request behind both lengths": {
			head("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second), closing(unauthorized),
		},
		"a second request behind both, the other way": {
			head(fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n%s", 5+len(second), second)), closing(unauthorized),
		},
		"two lengths":                {head("Content-Length: 6\r\nContent-Length: 7\r\n\r\n123456"), unparsed},
		"a list of lengths":          {head("Content-Length: 6, 7\r\n\r\n123456"), unparsed},
		"a signed length":            {head("Content-Length: +6\r\n\r\n123456"), unparsed},
		"a negative length":          {head("Content-Length: -1\r\n\r\n"), unparsed},
		"a length beyond 2^63":       {head("Content-Length: 9223372036854775808\r\n\r\n"), unparsed},
		"chunked twice":              {head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), noCoding},
		"chunked, and then not":      {head("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), noCoding},
		"another transfer coding":    {head("Transfer-Encoding: gzip\r\n\r\n"), noCoding},
		"a coding with a tab":        {head("Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"), unparsed},
		"a space before the colon":   {head("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), noName},
		"a folded header":            {head("X-Folded: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"), unauthorized},
		"a header without a name":    {head(": x\r\n\r\n"), unparsed},
		"a NUL in a header":          {head("X-Header: a\x00b\r\n\r\n"), unparsed},
		"bare line feeds":            {strings.ReplaceAll(plain(t, ping, header("Webhook-Id", "msg_2")), "\r\n", "\n"), unauthorized},
		"a bare carriage return":     {head("X-Header: a\rContent-Length: 5\r\n\r\n"), unparsed},
		"a chunk of no size":         {head("Transfer-Encoding: chunked\r\n\r\nx\r\n"), malformed},
		"a chunk of a negative size": {head("Transfer-Encoding: chunked\r\n\r\n-1\r\n"), malformed},
		"a chunk beyond 2^64":        {head("Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), malformed},
		"a chunk longer than itself": {head("Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"), malformed},
		"endless chunk extensions": {
			head("Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\na\r\n", 100)), malformed,
		},
		"endless trailers": {
			head("Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X-Trailer: x\r\n", 100_000)), malformed,
		},
		"a body that ends early":      {head("Content-Length: 1000\r\n\r\n{"), endsEarly},
		"10 MiB body":                 {head("Content-Length: 10485760\r\n\r\n" + strings.Repeat(" ", 10<<20)), tooLarge},
		"10 MiB body in one chunk":    {head("Transfer-Encoding: chunked\r\n\r\na00000\r\n" + strings.Repeat(" ", 10<<20)), tooLarge},
		"10 MiB header":               {head("X-Padding: " + strings.Repeat("x", 10<<20) + "\r\n\r\n"), headerTooLarge},
		"10 MiB of headers":           {head(strings.Repeat("X-Padding: x\r\n", 10<<20/14) + "\r\n"), headerTooLarge},
		"10 MiB path":                 {"POST /" + strings.Repeat("x", 10<<20) + " HTTP/1.1\r\n\r\n", headerTooLarge},
		"no host":                     {strings.Replace(plain(t, sample), "Host: integration\r\n", "", 1), noHost},
		"two hosts":                   {head("Host: evil.example\r\n\r\n"), unparsed},
		"no version":                  {line("POST /webhooks/workspace"), unparsed},
		"HTTP/3":                      {line("POST /webhooks/workspace HTTP/3.0"), noVersion},
		"HTTP/2 without TLS":          {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", closing(notFound)},
		"a space in the path":         {line("POST /webhooks/workspace /x HTTP/1.1"), unparsed},
		"a method with a space":       {line(" POST /webhooks/workspace HTTP/1.1"), unparsed},
		"another method, overridden":  {line("GET /webhooks/workspace HTTP/1.1\r\nX-HTTP-Method-Override: POST"), notAllowed("POST")},
		"a path with a dot":           {line("POST /webhooks/./workspace HTTP/1.1"), notFound},
		"a path with an encoded byte": {line("POST /webhooks/%77orkspace HTTP/1.1"), notFound},
		"a TLS hello":                 {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", unparsed},
	}
}

var (
	noCoding       = answerOfServer(http.StatusNotImplemented, "Unsupported transfer encoding")
	headerTooLarge = answerOfServer(http.StatusRequestHeaderFieldsTooLarge, "431 Request Header Fields Too Large")
	noHost         = answerOfServer(http.StatusBadRequest, "400 Bad Request: missing required Host header")
	noName         = answerOfServer(http.StatusBadRequest, "400 Bad Request: invalid header name")
	noVersion      = answerOfServer(http.StatusHTTPVersionNotSupported, "505 HTTP Version Not Supported: unsupported protocol version")
	endsEarly      = refused(http.StatusBadRequest, "the body could not be read")
)

// closing is an answer after which the connection ends.
func closing(a answer) answer {
	a.Header = maps.Clone(a.Header)
	a.Header["Connection"] = "close"
	return a
}

// TestEdge_NeverTakesAPublicKeyForASecret: everybody knows the bytes of a whpk_ key.
func TestEdge_NeverTakesAPublicKeyForASecret(t *testing.T) {
	e := newEdge(t, knowing(publicKey+" "+secret))
	forged := func(r *http.Request) {
		public := strings.TrimPrefix(publicKey, "whpk_")
		r.Header.Set("Webhook-Signature", sign(t, "whsec_"+public, "msg_1", now, sample).Get("Webhook-Signature"))
	}
	if diff := cmp.Diff(unauthorized, e.post(t, hooks, "msg_1", sample, forged)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	honest := func(r *http.Request) {
		r.Header.Set("Webhook-Signature", sign(t, privateKey, "msg_1", now, sample).Get("Webhook-Signature"))
	}
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", sample, honest)); diff != "" {
		t.Errorf("the key's own signature (-want +got):\n%s", diff)
	}
}

// TestEdge_ServesAGoodSenderBesideAnAttacker: both on one address, and the attacker says that each request is another's.
func TestEdge_ServesAGoodSenderBesideAnAttacker(t *testing.T) {
	e := newEdge(t, frozenClock)
	var limited int
	for i := range 500 {
		forged := func(r *http.Request) {
			r.Header.Set("Webhook-Signature", "v1,forged")
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d, 203.0.113.%d", i%250, i%250))
		}
		switch got := e.post(t, hooks, "msg_1", sample, forged); got.Status {
		case http.StatusTooManyRequests:
			limited++
			if diff := cmp.Diff(rateLimited("Connection", "close"), got); diff != "" {
				t.Fatalf("the attacker (-want +got):\n%s", diff)
			}
		case http.StatusUnauthorized:
		default:
			t.Fatalf("the attacker is answered %d", got.Status)
		}
		want := taken(http.StatusAccepted, accepted)
		if diff := cmp.Diff(want, e.post(t, hooks, fmt.Sprintf("good_%d", i), event("created", i+1))); diff != "" {
			t.Fatalf("the good sender (-want +got):\n%s", diff)
		}
	}
	if limited == 0 {
		t.Error("the attacker was never limited")
	}
}
