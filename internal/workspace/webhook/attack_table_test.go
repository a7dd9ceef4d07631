package webhook_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func signatureAttacks(t *testing.T) map[string]attack {
	t.Helper()
	signed := sign(t, secret, "msg_1", now, sample).Get("Webhook-Signature")
	many := func(last string) string { return strings.Repeat("v1,"+strings.Repeat("A", 43)+"= ", 999) + last }
	return map[string]attack{
		"no headers": {
			"POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Length: 2\r\n\r\n{}", unauthorized,
		},
		"wrong secret":            {plain(t, sample, resigned(t, otherSecret, now)), unauthorized},
		"replay after the window": {plain(t, sample, resigned(t, secret, now.Add(-5*time.Minute-time.Second))), unauthorized},
		"from the future":         {plain(t, sample, resigned(t, secret, now.Add(5*time.Minute+time.Second))), unauthorized},
		"changed timestamp":       {plain(t, sample, header("Webhook-Timestamp", strconv.FormatInt(now.Unix()+1, 10))), unauthorized},
		"a timestamp of 1e9":      {plain(t, sample, header("Webhook-Timestamp", "1e9")), unauthorized},
		"swapped id":              {plain(t, sample, header("Webhook-Id", "msg_2")), unauthorized},
		"an id that eats the timestamp": {
			plain(t, sample, header("Webhook-Id", "msg_1."+strconv.FormatInt(now.Unix(), 10))), unauthorized,
		},
		"another body": {framed(t, sample, "Content-Length: 15\r\n\r\n"+ping), unauthorized},
		"truncated body": {
			framed(t, sample, fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(sample)-1, sample[:len(sample)-1])), unauthorized,
		},
		"1,000 signatures":             {plain(t, sample, header("Webhook-Signature", many(signed)[len(many(signed))-14<<10:])), unauthorized},
		"the version alone":            {plain(t, sample, header("Webhook-Signature", "v1,")), unauthorized},
		"a version that does not sign": {plain(t, sample, header("Webhook-Signature", "none,"+signed[3:])), unauthorized},
		"differing svix and webhook headers": {
			plain(t, sample, header("Svix-Signature", "v1,"+strings.Repeat("A", 43)+"=")), unauthorized,
		},
		"differing ids":   {plain(t, sample, header("Svix-Id", "msg_2")), unauthorized},
		"a header twice":  {plain(t, sample, func(h http.Header) { h.Add("Webhook-Id", "msg_1") }), unauthorized},
		"a padded header": {plain(t, sample, header("Webhook-Signature", signed+",x")), unauthorized},
		"the public key as HMAC key": {
			plain(t, sample, resigned(t, "whsec_"+strings.TrimPrefix(publicKey, "whpk_"), now)), unauthorized,
		},
		"another encoding": {plain(t, sample, header("Webhook-Signature", strings.ReplaceAll(signed, "=", ""))), unauthorized},
	}
}

// replayAttacks are sent after the sample was accepted as msg_1. They wait for their answer: the event of a client that
// disconnects is not stored.
func replayAttacks(t *testing.T) map[string]attack {
	t.Helper()
	attacks := map[string]attack{
		"two bodies with one id":     {signedAs(t, "msg_1", event("deleted", 9)), usedBefore},
		"a replay within the window": {plain(t, sample), taken(http.StatusOK, `{"status":"duplicate"}`)},
		"a replay under another id":  {signedAs(t, "msg_2", sample), taken(http.StatusOK, `{"status":"stale"}`)},
		"another id, its signature":  {plain(t, sample, header("Webhook-Id", "msg_2")), unauthorized},
	}
	for name, a := range attacks {
		a.raw = strings.Replace(a.raw, "\r\n", "\r\nConnection: close\r\n", 1)
		attacks[name] = attack{a.raw, closing(a.want)}
	}
	return attacks
}

// slowAttacks never complete their request.
func slowAttacks(t *testing.T) map[string]attack {
	t.Helper()
	return map[string]attack{
		"a slow body":    {framed(t, sample, "Content-Length: 1000\r\n\r\n{"), malformed},
		"a slow chunk":   {framed(t, sample, "Transfer-Encoding: chunked\r\n\r\n3e8\r\n{"), malformed},
		"no body at all": {framed(t, sample, "Content-Length: 1000\r\n\r\n"), malformed},
		"a slow end":     {framed(t, sample, "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n"), malformed},
	}
}

func bodyAttacks(t *testing.T) map[string]attack {
	t.Helper()
	notJSON := func(at int) answer {
		return refused(http.StatusBadRequest, "the body is not a JSON document: at byte "+strconv.Itoa(at))
	}
	named := func(id string) string {
		return `{"type":"workspace.created","data":{"workspace_id":"` + id + `","version":1,"name":"Fraud"}}`
	}
	noLabel := invalid(`{"field":"data.workspace_id","message":"must be a DNS label: at most 63 lower case letters, digits or -, ` +
		`starting and ending with a letter or digit"}`)
	deep := refused(http.StatusBadRequest, "the body is nested deeper than 64 levels")
	coded := refused(http.StatusUnsupportedMediaType, "the body must be sent without a content coding")
	bomb := compressed(t)
	return map[string]attack{
		"gzip bomb":            {plain(t, bomb, header("Content-Encoding", "gzip")), coded},
		"gzip bomb, unsigned":  {plain(t, bomb, header("Content-Encoding", "gzip"), header("Webhook-Id", "msg_2")), unauthorized},
		"gzip bomb, unnamed":   {plain(t, bomb), notJSON(0)},
		"deeply nested arrays": {plain(t, strings.Repeat("[", maxBody)), deep},
		"deeply nested objects, in what is ignored": {
			plain(t, `{"type":"ping","data":`+strings.Repeat(`{"x":`, 10_000)+`1`+strings.Repeat("}", 10_001)), deep,
		},
		"duplicate keys": {
			plain(t, `{"type":"ping","type":"workspace.deleted"}`),
			refusedFor(http.StatusBadRequest, `the body has the member "type" twice`, ""),
		},
		"duplicate keys, one escaped": {
			plain(t, `{"type":"ping","\u0074ype":"workspace.deleted"}`),
			refusedFor(http.StatusBadRequest, `the body has the member "type" twice`, ""),
		},
		"invalid UTF-8":             {plain(t, named("ws\xff")), notJSON(54)},
		"an overlong /":             {plain(t, named("ws\xc0\xaf")), notJSON(54)},
		"a NUL byte":                {plain(t, named("ws\x00")), notJSON(54)},
		"an escaped NUL":            {plain(t, named(`ws\u0000`)), noLabel},
		"a Cyrillic look-alike":     {plain(t, named("wѕ-001")), noLabel},
		"a full-width look-alike":   {plain(t, named("ｗs-001")), noLabel},
		"a soft hyphen":             {plain(t, named("ws\u00ad001")), noLabel},
		"zero width":                {plain(t, named("ws\u200b-001")), noLabel},
		"a Kelvin sign":             {plain(t, named("\u212a8s")), noLabel},
		"a path as id":              {plain(t, named("../system")), noLabel},
		"a template as id":          {plain(t, named("{{.}}")), noLabel},
		"a quantity of 2^31 digits": {plain(t, strings.Replace(named("ws"), `"name"`, `"quota":{"cpu":"1e2147483647"},"name"`, 1)), badCPU},
		"a version beyond 2^53":     {plain(t, strings.Replace(named("ws"), `:1,`, `:9007199254740993,`, 1)), badVersion},
		"256 KiB of keys":           {plain(t, manyKeys()), invalid(`{"field":"type","message":"is required"}`)},
		"256 KiB of a number": {
			plain(t, `{"type":`+strings.Repeat("1", maxBody-9)+`}`), invalid(`{"field":"type","message":"must be a string"}`),
		},
		"256 KiB of an unknown type": {
			plain(t, `{"type":"`+strings.Repeat("x", maxBody-11)+`"}`), taken(http.StatusAccepted, `{"status":"ignored"}`),
		},
	}
}

var (
	badCPU     = invalid(`{"field":"data.quota.cpu","message":"must be a quantity such as \"40\", \"500m\" or \"160Gi\""}`)
	badVersion = invalid(`{"field":"data.version","message":"must be a whole number from 1 to 9007199254740991"}`)
)

// compressed is 128 MiB in less than 256 KiB. It has 128 members of 1 MiB: a gzip file may have many (RFC 1952).
func compressed(t *testing.T) string {
	t.Helper()
	text := &bytes.Buffer{}
	w, err := gzip.NewWriterLevel(text, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.Repeat(text.String(), 128)
}

func manyKeys() string {
	text := &strings.Builder{}
	text.WriteString(`{"x":0`)
	for i := 0; text.Len() < maxBody-20; i++ {
		fmt.Fprintf(text, `,"%x":0`, i)
	}
	return text.String() + "}"
}
