package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	secret      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret = "whsec_kyzgPvtmrBEPSnI0PNNBiIL2BICfYMMcK3u/sg0ieus="
)

// message is a request whose signature was right.
type message struct{ Path, ID, ContentType, Body string }

// receiver is a service that verifies its requests. It gives its answers one after the other, and then repeats the last one.
type receiver struct {
	url string

	mu       sync.Mutex
	answers  []func(http.ResponseWriter)
	verified []message
}

func newReceiver(t *testing.T, answers ...func(http.ResponseWriter)) *receiver {
	t.Helper()
	keys, err := signature.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier := signature.NewVerifier(func() *signature.Keys { return keys }, time.Minute, time.Now)
	r := &receiver{answers: answers}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) { r.take(w, request, verifier) }))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) take(w http.ResponseWriter, request *http.Request, verifier *signature.Verifier) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	signed, err := verifier.Verify(request.Header, body)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verified = append(r.verified, message{request.URL.Path, signed.ID, request.Header.Get("Content-Type"), string(body)})
	answer := r.answers[0]
	if len(r.answers) > 1 {
		r.answers = r.answers[1:]
	}
	answer(w)
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.verified
}

// says is an answer. Headers come as name and value.
func says(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var ok = says(http.StatusAccepted, `{"status":"accepted"}`+"\n")

const accepted = "202 Accepted\n" + `{"status":"accepted"}` + "\n"

var timestamp = regexp.MustCompile(`"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`)

func TestSend_MakesTheEventFromFlags(t *testing.T) {
	const event = `{"type":"workspace.%s","timestamp":"NOW","data":%s}`
	whole := []string{
		"--id", "ws-001", "--version", "7", "--name", "Fraud & detection", "--description", "Card fraud models", "--owner", "ana@company.com",
		"--tier", "large", "--cpu", "40", "--memory", "160Gi", "--gpu", "4", "--storage", "1Ti", "--pods", "200",
		"--member", "User:ana@company.com:admin", "--member", "Group:oidc:ml-team:editor", "--label", "cost-center=42,env=prod",
	}
	const data = `{"workspace_id":"ws-001","version":7,"name":"Fraud \u0026 detection","description":"Card fraud models",` +
		`"owner":"ana@company.com","tier":"large","quota":{"cpu":"40","memory":"160Gi","gpu":"4","storage":"1Ti","pods":"200"},` +
		`"members":[{"kind":"User","name":"ana@company.com","role":"admin"},{"kind":"Group","name":"oidc:ml-team","role":"editor"}],` +
		`"labels":{"cost-center":"42","env":"prod"}}`
	tests := map[string]struct {
		args       []string
		path, body string
	}{
		"created":   {whole, "/webhooks/workspace", fmt.Sprintf(event, "created", data)},
		"provision": {append(whole, "--provision"), "/provision", data},
		"suspended": {
			[]string{"--type", "workspace.suspended", "--id", "ws-001", "--version", "2"},
			"/webhooks/workspace",
			fmt.Sprintf(event, "suspended", `{"workspace_id":"ws-001","version":2}`),
		},
		"ping": {
			[]string{"--type", "ping"}, "/webhooks/workspace", `{"type":"ping","timestamp":"NOW","data":{"workspace_id":""}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, ok)
			args := append([]string{"send", "--url", r.url + "/", "--webhook-id", "msg_1"}, test.args...)
			if diff := cmp.Diff(result{Stdout: accepted}, invocation{secret: secret}.run(t, args...)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			got := r.messages()
			got[0].Body = timestamp.ReplaceAllString(got[0].Body, `"timestamp":"NOW"`)
			if diff := cmp.Diff([]message{{test.path, "msg_1", "application/json", test.body}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSend_SendsAFileByteForByte(t *testing.T) {
	const body = "{\"type\": \"ping\",\t\"x\": 1e3}\n\n"
	file := writeFile(t, body)
	for _, args := range [][]string{{"-f", file}, {"--file", "-"}, {"-f", "-", "--provision"}} {
		r := newReceiver(t, ok)
		got := invocation{secret: secret, stdin: body}.run(t, append([]string{"send", "--url", r.url}, args...)...)
		if diff := cmp.Diff(result{Stdout: accepted}, got); diff != "" {
			t.Fatalf("%v (-want +got):\n%s", args, diff)
		}
		if diff := cmp.Diff(body, r.messages()[0].Body); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
	}
}

func TestSend_SignsWithEverySecretAndANewIDEachTime(t *testing.T) {
	r := newReceiver(t, ok)
	file := writeFile(t, otherSecret+"\n"+secret+"\n")
	for range 2 { // the file wins over the variable
		got := invocation{secret: otherSecret}.run(t, "send", "--url", r.url, "--type", "ping", "--secret-file", file)
		if diff := cmp.Diff(result{Stdout: accepted}, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	if got := r.messages(); got[0].ID == got[1].ID || !strings.HasPrefix(got[0].ID, "msg_") {
		t.Errorf("the ids are %q and %q", got[0].ID, got[1].ID)
	}
}

func TestSend_DryRunPrintsTheRequestAndSendsNothing(t *testing.T) {
	r := newReceiver(t, ok)
	got := invocation{secret: secret}.run(t, "send", "--url", r.url, "--dry-run", "--webhook-id", "msg_1", "--id", "ws-001", "--version", "1",
		"--name", "Fraud", "--member", "Group:ml-team:editor")
	for pattern, stable := range map[string]string{
		regexp.QuoteMeta(r.url): "URL", `webhook-timestamp: \d{10}\b`: "webhook-timestamp: SECONDS",
		`v1,[A-Za-z0-9+/]{43}=`: "v1,SIGNATURE", timestamp.String(): `"timestamp":"NOW"`,
	} {
		got.Stdout = regexp.MustCompile(pattern).ReplaceAllString(got.Stdout, stable)
	}
	if diff := cmp.Diff(result{Stdout: expected(t, "dry-run.txt", got.Stdout)}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sent := r.messages(); len(sent) > 0 {
		t.Errorf("it sent %v", sent)
	}
}

func TestSend_FailsUnlessTheAnswerIsA2xx(t *testing.T) {
	elsewhere := newReceiver(t, ok)
	tests := map[string]struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		"422": {says(http.StatusUnprocessableEntity, `{"status":422}`), "422 Unprocessable Entity"},
		"409": {says(http.StatusConflict, `{"status":409}`), "409 Conflict"},
		"503": {says(http.StatusServiceUnavailable, `{"status":503}`, "Retry-After", "5"), "503 Service Unavailable"},
		"a redirect, which is not followed": {
			says(http.StatusTemporaryRedirect, `{}`, "Location", elsewhere.url), "307 Temporary Redirect",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, test.answer)
			got := invocation{secret: secret}.run(t, "send", "--url", r.url, "--type", "ping")
			if got.Code != 1 || !strings.HasPrefix(got.Stdout, test.want+"\n{") ||
				got.Stderr != "integrationctl: the service answered "+test.want+"\n" {
				t.Errorf("%+v", got)
			}
		})
	}
	if sent := elsewhere.messages(); len(sent) > 0 {
		t.Errorf("it followed a redirect: %v", sent)
	}
}

func TestSend_RetriesOnlyWhenToldTo(t *testing.T) {
	busy := says(http.StatusServiceUnavailable, "{}", "Retry-After", "1")
	r := newReceiver(t, busy, ok)
	got := invocation{secret: secret}.run(t, "send", "--url", r.url, "--type", "ping", "--retry")
	if diff := cmp.Diff(result{Stdout: "503 Service Unavailable\n{}\n" + accepted}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m := r.messages(); len(m) != 2 || m[0].ID != m[1].ID || m[0].Body != m[1].Body {
		t.Errorf("the retry is not the same message: %v", m)
	}
	for _, after := range []string{"-1", "0", "soon"} {
		r := newReceiver(t, says(http.StatusServiceUnavailable, "{}", "Retry-After", after), ok)
		if got := (invocation{secret: secret}).run(t, "send", "--url", r.url, "--type", "ping", "--retry"); got.Code != 1 {
			t.Errorf("Retry-After: %s: %+v", after, got)
		}
	}
}

func TestSend_RefusesBadArguments(t *testing.T) {
	const syntax = "is not Kind:name:role"
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"--type", "ping", "--secret-file", "nowhere"}, "reading the secret: open nowhere: no such file or directory"},
		{[]string{"-f", "nowhere"}, "reading the event: open nowhere: no such file or directory"},
		{[]string{"-f", "-", "--id", "a", "--cpu", "1"}, "the body is read from --file: --cpu, --id can't change it"},
		{[]string{"--name", "Fraud"}, "--id is required, or -f with a whole event"},
		{[]string{"--id", "a", "--member", "ana"}, `--member "ana" ` + syntax},
		{[]string{"--id", "a", "--member", "User:ana"}, `--member "User:ana" ` + syntax},
		{[]string{"--id", "a", "--member", ":ana:admin"}, `--member ":ana:admin" ` + syntax},
		{[]string{"--id", "a", "--member", "User::admin"}, `--member "User::admin" ` + syntax},
		{[]string{"--id", "a", "--member", "User:ana:"}, `--member "User:ana:" ` + syntax},
		{
			[]string{"--type", "ping", "--webhook-id", "msg.1"},
			"--webhook-id must be 1 to 128 printable ASCII characters without white space and full stop",
		},
		{
			[]string{"--type", "ping", "--url", "http://a b"},
			`making the request: parse "http://a b/webhooks/workspace": invalid character " " in host name`,
		},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			got := invocation{secret: secret}.run(t, append([]string{"send"}, test.args...)...)
			if diff := cmp.Diff(result{Code: 1, Stderr: "integrationctl: " + test.want + "\n"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSend_RefusesBadSecretsWithoutRepeatingThem(t *testing.T) {
	const none = "no secret: give --secret-file or set WORKSPACE_WEBHOOK_SECRET"
	const notBase64 = "reading the secret: secret 1: what follows whsec_ is not standard base64 with padding"
	for bad, want := range map[string]string{
		"": none, "\t": none, "hunter2": "reading the secret: secret 1: it does not start with whsec_, whsk_ or whpk_",
		"whsec_…": notBase64, "whsec_...": notBase64,
		"whsec_" + strings.Repeat("x", 32): "reading the secret: secret 1: a whsec_ secret of a few repeated bytes is no secret",
	} {
		for _, args := range [][]string{{"send", "--type", "ping"}, {"send", "--type", "ping", "--dry-run"}} {
			got := invocation{secret: bad}.run(t, args...)
			if diff := cmp.Diff(result{Code: 1, Stderr: "integrationctl: " + want + "\n"}, got); diff != "" {
				t.Errorf("%q, %v (-want +got):\n%s", bad, args, diff)
			}
		}
	}
}

func TestSend_SaysThatNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	got := invocation{secret: secret}.run(t, "send", "--url", server.URL, "--type", "ping")
	if got.Code != 1 || got.Stdout != "" || !strings.HasPrefix(got.Stderr, "integrationctl: sending: ") ||
		!strings.HasSuffix(got.Stderr, "connection refused\n") {
		t.Errorf("%+v", got)
	}
}

func writeFile(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
