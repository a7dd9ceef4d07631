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

// accepted is how the program ends when the service answers [ok].
func accepted() result {
	return result{Stdout: `{"status":"accepted"}` + "\n", Stderr: "202 Accepted\n"}
}

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
			if diff := cmp.Diff(accepted(), invocation{secret: secret}.run(t, args...)); diff != "" {
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
		if diff := cmp.Diff(accepted(), got); diff != "" {
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
		if diff := cmp.Diff(accepted(), got); diff != "" {
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

func TestSend_FailsUnlessTheServiceDidIt(t *testing.T) {
	elsewhere := newReceiver(t, ok)
	tests := map[string]struct {
		answer     func(http.ResponseWriter)
		body, want string
	}{
		"401": {says(http.StatusUnauthorized, `{}`), "{}\n", "answered 401 Unauthorized: it has another secret"},
		"422": {says(http.StatusUnprocessableEntity, `{"status":422}`), "{\"status\":422}\n", "answered 422 Unprocessable Entity\n"},
		"409": {says(http.StatusConflict, ""), "", "answered 409 Conflict\n"},
		"503": {says(http.StatusServiceUnavailable, `{}`, "Retry-After", "5"), "{}\n", "answered 503 Service Unavailable\n"},
		"a redirect, which is not followed": {
			says(http.StatusTemporaryRedirect, `{}`, "Location", elsewhere.url), "{}\n", "answered 307 Temporary Redirect\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, test.answer)
			got := invocation{secret: secret}.run(t, "send", "--url", r.url, "--type", "ping")
			if got.Code != 1 || got.Stdout != test.body || !strings.HasPrefix(got.Stderr, "integrationctl: the service "+test.want) {
				t.Errorf("%+v", got)
			}
		})
	}
	if sent := elsewhere.messages(); len(sent) > 0 {
		t.Errorf("it followed a redirect: %v", sent)
	}
}

func TestSend_FailsIfTheEventIsIgnored(t *testing.T) {
	r := newReceiver(t, says(http.StatusAccepted, `{"status":"ignored"}`))
	got := invocation{secret: secret, stdin: `{"type":"workspace.renamed"}`}.run(t, "send", "--url", r.url, "-f", "-")
	want := result{
		Code: 1, Stdout: "{\"status\":\"ignored\"}\n",
		Stderr: "202 Accepted\nintegrationctl: the service ignored the event: it does not know its type\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSend_TakesTheURLOfTheRouteToo(t *testing.T) {
	r := newReceiver(t, ok)
	for _, args := range [][]string{{"--url", r.url + "/webhooks/workspace"}, {"--url", r.url + "/provision/", "--provision"}} {
		args = append([]string{"send", "--id", "a"}, args...)
		if diff := cmp.Diff(accepted(), invocation{secret: secret}.run(t, args...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
	}
	if got := r.messages(); got[0].Path != "/webhooks/workspace" || got[1].Path != "/provision" {
		t.Errorf("it sent %v", got)
	}
}

func TestSend_RetriesOnlyWhenToldTo(t *testing.T) {
	busy := says(http.StatusServiceUnavailable, "{}", "Retry-After", "1")
	r := newReceiver(t, busy, ok)
	got := invocation{secret: secret}.run(t, "send", "--url", r.url, "--type", "ping", "--retry")
	want := result{
		Stdout: "{}\n" + accepted().Stdout,
		Stderr: "the service answered 503 Service Unavailable: sending again in 1s\n" + accepted().Stderr,
	}
	if diff := cmp.Diff(want, got); diff != "" {
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
	const syntax = "is not Kind:name:role, such as Group:ml-team:editor"
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"--type", "pong", "--id", "a"}, "--type must be one of workspace.created, workspace.updated, workspace.suspended, " +
			`workspace.resumed, workspace.deleted, ping, not "pong"`},
		{[]string{"--id", "a", "--version", "one"}, `--version must be a whole number, not "one"`},
		{[]string{"--id", "a", "--label", "one"}, `--label must be key=value, not "one"`},
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
			`--url must be a URL such as https://integration.company.com, not "http://a b"`,
		},
		{
			[]string{"--type", "ping", "--url", "http://127.0.0.1/provision"},
			`--url "http://127.0.0.1/provision" is not where this event goes: that is /webhooks/workspace`,
		},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			got := invocation{secret: secret}.run(t, append([]string{"send"}, test.args...)...)
			if diff := cmp.Diff(result{Code: 64, Stderr: "integrationctl: " + test.want + "\n"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSend_RefusesBadSecretsWithoutRepeatingThem(t *testing.T) {
	const reading = "reading the secret (--secret-file or WORKSPACE_WEBHOOK_SECRET): secret 1: "
	const none = "no secret: give --secret-file or set WORKSPACE_WEBHOOK_SECRET"
	const notBase64 = reading + "what follows whsec_ is not standard base64 with padding"
	for bad, want := range map[string]string{
		"": none, "\t": none, "hunter2": reading + "it does not start with whsec_, whsk_ or whpk_",
		"whsec_…": notBase64, "whsec_...": notBase64,
		"whsec_" + strings.Repeat("x", 32): reading + "a whsec_ secret of a few repeated bytes is no secret",
	} {
		for _, args := range [][]string{{"send", "--type", "ping"}, {"send", "--type", "ping", "--dry-run"}} {
			got := invocation{secret: bad}.run(t, args...)
			code := 1
			if want == none {
				code = 64
			}
			if diff := cmp.Diff(result{Code: code, Stderr: "integrationctl: " + want + "\n"}, got); diff != "" {
				t.Errorf("%q, %v (-want +got):\n%s", bad, args, diff)
			}
		}
	}
}

func TestSend_NamesTheFlagOfWhatFails(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for args, want := range map[string]string{
		"--url " + server.URL: "nothing listens at " + server.URL + "/webhooks/workspace: " +
			"give the service's address with --url, or in INTEGRATIONCTL_URL",
		"--secret-file nowhere": "reading the secret (see --secret-file): open nowhere: no such file or directory",
		"--file nowhere":        "reading the event (see --file): open nowhere: no such file or directory",
	} {
		args := strings.Fields("send " + args)
		if !strings.Contains(want, "--file") {
			args = append(args, "--type", "ping")
		}
		got := invocation{secret: secret}.run(t, args...)
		if diff := cmp.Diff(result{Code: 1, Stderr: "integrationctl: " + want + "\n"}, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
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
