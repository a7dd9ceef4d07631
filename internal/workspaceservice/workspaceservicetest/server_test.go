package workspaceservicetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const reportSecret = "whsec_" + "b3V0Ym91bmQtc2VjcmV0LW9mLWEtdGVzdC1vbmx5LTE="

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// integration gets webhooks, and answers what a test says.
type integration struct {
	mu     sync.Mutex
	answer func(attempt int) int
	got    []string
}

func (i *integration) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	event, err := workspace.DecodeEvent(body)
	if err != nil {
		panic(err)
	}
	i.got = append(i.got, string(event.Type)+" "+event.Data.WorkspaceID)
	w.WriteHeader(i.answer(len(i.got)))
}

func (i *integration) has() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.got)
}

// running is a double and what it talks to.
type running struct {
	t     testing.TB
	url   string
	other *integration
	stop  func()
}

func run(t testing.TB, state string, change ...func(*Options)) *running {
	t.Helper()
	signer, err := signature.NewSigner(signature.NewSecret())
	must(t, err)
	keys, err := signature.ParseKeys(reportSecret)
	must(t, err)
	r := &running{t: t, other: &integration{answer: func(int) int { return http.StatusAccepted }}}
	webhooks := httptest.NewServer(r.other)
	o := Options{WebhookURL: webhooks.URL, WebhookSigner: signer, ReportKeys: keys, State: state, Faster: 1e6, Out: io.Discard}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	service, err := New(ctx, o)
	must(t, err)
	server := httptest.NewServer(service)
	r.url = server.URL
	r.stop = sync.OnceFunc(func() { server.Close(); cancel(); service.Wait(); webhooks.Close() })
	t.Cleanup(r.stop)
	return r
}

func (r *running) ask(method, path, body string, header http.Header) (status int, text string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	must(r.t, err)
	maps.Copy(request.Header, header)
	answer, err := http.DefaultClient.Do(request)
	must(r.t, err)
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	must(r.t, err)
	return answer.StatusCode, string(all)
}

// show is what is shown of the workspace "a".
func (r *running) show() (shown Shown) {
	r.t.Helper()
	_, text := r.ask(http.MethodGet, "/workspaces/a", "", nil)
	must(r.t, json.Unmarshal([]byte(text), &shown))
	return shown
}

// report sends a signed report.
func (r *running) report(messageID, workspaceID, body string) int {
	r.t.Helper()
	signer, err := signature.NewSigner(reportSecret)
	must(r.t, err)
	signed := signer.Sign(messageID, time.Now(), []byte(body))
	status, _ := r.ask(http.MethodPost, "/workspaces/"+workspaceID+"/integrations/flyte", body, signed)
	return status
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for ticker := time.NewTicker(time.Millisecond); !condition(); {
		select {
		case <-deadline:
			t.Fatalf("waiting for %s", what)
		case <-ticker.C:
		}
	}
}

// TestService_SendsAnEventForEveryChange with versions that grow.
func TestService_SendsAnEventForEveryChange(t *testing.T) {
	r := run(t, "")
	for _, change := range []struct{ method, path, want string }{
		{http.MethodPut, "/workspaces/a", "workspace.created a"},
		{http.MethodPut, "/workspaces/a", "workspace.updated a"},
		{http.MethodPost, "/workspaces/a/suspend", "workspace.suspended a"},
		{http.MethodPost, "/workspaces/a/resume", "workspace.resumed a"},
		{http.MethodDelete, "/workspaces/a", "workspace.deleted a"},
		{http.MethodPut, "/workspaces/a", "workspace.created a"},
	} {
		before := len(r.other.has())
		if status, text := r.ask(change.method, change.path, `{"name":"A"}`, nil); status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", change.method, change.path, status, text)
		}
		eventually(t, change.want, func() bool { return len(r.other.has()) > before })
		if got := r.other.has()[before]; got != change.want {
			t.Errorf("%s %s sends %s, not %s", change.method, change.path, got, change.want)
		}
	}
	if shown := r.show(); shown.Version != 6 || shown.StateVersion != 6 || shown.State != "Active" {
		t.Errorf("it ends as %+v", shown.Listed)
	}
	if status, _ := r.ask(http.MethodPost, "/workspaces/b/suspend", "", nil); status != http.StatusNotFound {
		t.Errorf("an unknown one: %d", status)
	}
}

// TestService_TriesAgainUntilItIsTaken also after it was restarted.
func TestService_TriesAgainUntilItIsTaken(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	slow := func(o *Options) { o.Faster = 1 } // the second attempt comes after 5 s
	first := run(t, state, slow)
	first.other.answer = func(int) int { return http.StatusServiceUnavailable }
	first.ask(http.MethodPut, "/workspaces/a", `{"name":"A"}`, nil)
	eventually(t, "an attempt", func() bool { return len(first.other.has()) == 1 })
	if waiting := first.show().Waiting; len(waiting) != 1 {
		t.Errorf("these wait: %v", waiting)
	}
	first.stop()
	second := run(t, state)
	second.other.mu.Lock()
	second.other.answer = func(attempt int) int {
		if attempt < 4 {
			return http.StatusInternalServerError
		}
		return http.StatusAccepted
	}
	second.other.mu.Unlock()
	eventually(t, "nothing to wait", func() bool { return len(second.show().Waiting) == 0 })
	third := run(t, state)
	if shown := third.show(); shown.Name != "A" || len(shown.Waiting) != 0 || len(third.other.has()) != 0 {
		t.Errorf("after another restart: %+v, sent %v", shown, third.other.has())
	}
}

func TestService_TakesReports(t *testing.T) {
	r := run(t, "")
	r.ask(http.MethodPut, "/workspaces/a", `{"name":"A"}`, nil)
	const newer, older = `{"workspace_id":"a","version":2,"status":"ready"}`, `{"workspace_id":"a","version":1,"status":"pending"}`
	for _, test := range []struct {
		id, workspace, body string
		want                int
	}{
		{"rpt_2", "a", newer, 204},
		{"rpt_1", "a", older, 204},
		{"rpt_3", "b", `{"workspace_id":"b"}`, 404},
		{"rpt_4", "a", `{"workspace_id":"b"}`, 400},
		{"rpt_5", "a", `{`, 400},
	} {
		if got := r.report(test.id, test.workspace, test.body); got != test.want {
			t.Errorf("%s: %d, not %d", test.body, got, test.want)
		}
	}
	if status, _ := r.ask(http.MethodPost, "/workspaces/a/integrations/flyte", newer, nil); status != http.StatusUnauthorized {
		t.Errorf("unsigned: %d", status)
	}
	if reports := r.show().Reports; len(reports) != 2 || reports[0].Late || !reports[1].Late {
		t.Errorf("the reports are %+v", reports)
	}
	if _, table := r.ask(http.MethodGet, "/", "", nil); !strings.Contains(table, "ready@2") {
		t.Errorf("the table is\n%s", table)
	}
}

func TestService_ListsInPages(t *testing.T) {
	r := run(t, "")
	want := []string{"a", "b", "c", "d", "e"}
	for _, id := range want {
		r.ask(http.MethodPut, "/workspaces/"+id, `{"name":"A"}`, nil)
	}
	var got []string
	for cursor := ""; ; {
		_, text := r.ask(http.MethodGet, "/workspaces?limit=2&cursor="+cursor, "", nil)
		page, err := workspace.DecodePage([]byte(text))
		must(t, err)
		for _, item := range page.Items {
			listed, err := workspace.DecodeListed(item)
			must(t, err)
			got = append(got, listed.WorkspaceID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the listing is %v", got)
	}
}

// TestService_LosesEventsOnPurpose, and says so.
func TestService_LosesEventsOnPurpose(t *testing.T) {
	var said lockedBuffer
	r := run(t, "", func(o *Options) { o.Drop, o.Out = 1, &said })
	r.ask(http.MethodPut, "/workspaces/a", `{"name":"A"}`, nil)
	eventually(t, "the event to be lost", func() bool { return len(r.show().Waiting) == 0 })
	if sent := r.other.has(); len(sent) > 0 || !strings.Contains(said.String(), "on purpose") {
		t.Errorf("it sent %v and said %q", sent, said.String())
	}
}

// TestService_RefusesOtherOrigins: a page in the developer's browser must not change anything.
func TestService_RefusesOtherOrigins(t *testing.T) {
	r := run(t, "")
	evil := http.Header{"Origin": {"https://evil.example"}}
	if status, _ := r.ask(http.MethodPut, "/workspaces/a", `{"name":"A"}`, evil); status != http.StatusForbidden {
		t.Errorf("it answered %d", status)
	}
}

// TestService_RefusesOtherNames: such a page may have got its own name resolved to this address.
func TestService_RefusesOtherNames(t *testing.T) {
	r := run(t, "")
	for host, want := range map[string]int{
		"evil.example": http.StatusForbidden, "evil.example:8081": http.StatusForbidden, "10.0.0.1:8081": http.StatusForbidden,
		"localhost:8081": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:8081": http.StatusOK,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/workspaces", http.NoBody)
		must(t, err)
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		must(t, err)
		must(t, answer.Body.Close())
		if answer.StatusCode != want {
			t.Errorf("%s: it answered %d", host, answer.StatusCode)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
