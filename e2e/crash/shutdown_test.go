package crash

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// TestShutdownAnswersAllRequests stops the service while it receives the bodies of 20 webhooks, and a sender waits in /provision since
// Flyte is down. The service accepts no new connections, and answers all requests truthfully.
func TestShutdownAnswersAllRequests(t *testing.T) {
	env := shared.Env()
	env.Flyte.SetUnavailable(true)
	defer env.Flyte.SetUnavailable(false)
	run := strings.ToLower(rand.Text())
	waits := halfSent(t, "/provision", `{"workspace_id":"waits-`+run+`","name":"Waits"}`)
	waits.sendBody(t)
	env.AwaitReason(t, "waits-"+run, v1alpha1.ReasonFlyteUnavailable)
	requests := make([]*slowRequest, 20)
	for i := range requests {
		m := harness.NewMessage(t, workspace.EventCreated, harness.Data(fmt.Sprintf("slow-%d-%s", i, run), 1))
		requests[i] = halfSent(t, "/webhooks/workspace", string(m.Body))
	}

	go env.Service.Stop()
	harness.Eventually(t, "the listener to close", func(context.Context) bool { return !listens(t) })
	if status, body := waits.answer(t); status != http.StatusAccepted || !strings.Contains(body, `"pending"`) {
		t.Errorf("the sender that waits is answered %d %s", status, body)
	}
	taken := map[string]bool{}
	for i, r := range requests {
		r.sendBody(t)
		status, body := r.answer(t)
		accepted := status == http.StatusAccepted && strings.Contains(body, `"accepted"`)
		taken[fmt.Sprintf("slow-%d-%s", i, run)] = accepted
		if !accepted && status != http.StatusServiceUnavailable { // which a slow API server deserves
			t.Errorf("a slow sender is answered %d %s", status, body)
		}
	}
	<-env.Service.Exited()
	if code := env.Service.ExitCode(); code != 0 {
		t.Errorf("the service ended with %d: %v", code, env.Service.Failure())
	}
	env.Flyte.SetUnavailable(false)
	if err := env.Service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for id, accepted := range taken {
		if accepted {
			env.AwaitReason(t, id, v1alpha1.ReasonReady)
			n++
		}
	}
	if n == 0 {
		t.Error("no event of a slow sender was accepted")
	}
}

// slowRequest is a signed request on a connection of its own, whose body the service waits for.
type slowRequest struct {
	net.Conn

	answers *bufio.Reader
	body    string
}

func halfSent(t *testing.T, path, body string) *slowRequest {
	t.Helper()
	env := shared.Env()
	c := dial(t)
	if c == nil {
		t.Fatal("the service does not listen")
	}
	t.Cleanup(func() { _ = c.Close() })
	signer, err := signature.NewSigner(env.Service.Secret)
	if err != nil {
		t.Fatal(err)
	}
	header := signer.Sign("msg_"+rand.Text(), time.Now(), []byte(body))
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Expect", "100-continue") // answered when the handler reads
	text := &strings.Builder{}
	_ = header.Write(text)
	r := &slowRequest{c, bufio.NewReader(c), body}
	if _, err := io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: integration\r\n"+text.String()+"\r\n"); err != nil {
		t.Fatal(err)
	}
	if status, body := r.answer(t); status != http.StatusContinue {
		t.Fatalf("answered %d %s before the body", status, body)
	}
	return r
}

func (r *slowRequest) sendBody(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(r, r.body); err != nil {
		t.Error(err)
	}
}

func (r *slowRequest) answer(t *testing.T) (status int, body string) {
	t.Helper()
	answer, err := http.ReadResponse(r.answers, nil)
	if err != nil {
		t.Fatalf("cut off: %v", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("cut off: %v", err)
	}
	return answer.StatusCode, string(text)
}

// dial connects to the service; nil if it does not listen.
func dial(t *testing.T) net.Conn {
	t.Helper()
	env := shared.Env()
	address, err := url.Parse(env.Service.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address.Host)
	if err != nil {
		return nil
	}
	return c
}

func listens(t *testing.T) bool {
	t.Helper()
	c := dial(t)
	if c != nil {
		_ = c.Close()
	}
	return c != nil
}
