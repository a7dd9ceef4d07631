package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// reply is an answer of the service.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// outcome is the status that a 2xx answer tells, or else the answer.
func (r reply) outcome() string {
	var answer struct{ Status string }
	if r.status >= http.StatusMultipleChoices || json.Unmarshal([]byte(r.body), &answer) != nil {
		return fmt.Sprintf("%d %s", r.status, r.body)
	}
	return answer.Status
}

// sender keeps its connections, also when many are used at once.
var sender = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}

// message is one webhook, which may be sent again and again.
type message struct {
	id   string
	body []byte
}

func newMessage(t testing.TB, kind workspace.EventType, data workspace.Data) message {
	t.Helper()
	body, err := json.Marshal(workspace.Event{Type: kind, Timestamp: time.Now(), Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return message{id: "msg_" + rand.Text(), body: body}
}

// team is a workspace of two roles and a bit of everything.
func team(id string, version int64) workspace.Data {
	return workspace.Data{
		WorkspaceID: id, Version: version, Name: "Team " + id, Description: "made by a test", Owner: "ana@company.com",
		Quota: v1alpha1.Quota{CPU: "20", Memory: "64Gi", GPU: "2"},
		Members: []v1alpha1.Member{
			{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
			{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
		},
		Labels: map[string]string{"cost-center": "42"},
	}
}

// post sends the message once.
func (m message) post(ctx context.Context, base, secret string) (reply, error) {
	signer, err := signature.NewSigner(secret)
	if err != nil {
		return reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/webhooks/workspace", bytes.NewReader(m.body))
	if err != nil {
		return reply{}, err
	}
	request.Header = signer.Sign(m.id, time.Now(), m.body)
	request.Header.Set("Content-Type", "application/json")
	return do(request)
}

func do(request *http.Request) (reply, error) {
	start := time.Now()
	answer, err := sender.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{status: answer.StatusCode, header: answer.Header, body: string(text), took: time.Since(start)}, err
}

// send posts the message once to the shared service, which must answer.
func (m message) send(t testing.TB) reply {
	t.Helper()
	r, err := m.post(t.Context(), world.service.URL, world.service.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// deliver sends until the answer is a 2xx, as a sender of Standard Webhooks does, only sooner: what got no answer, 429
// or 5xx is sent again.
func (m message) deliver(ctx context.Context, base, secret string) (reply, error) {
	const patience = 50 * time.Millisecond
	for {
		r, err := m.post(ctx, base, secret)
		switch {
		case err == nil && r.status < http.StatusMultipleChoices:
			return r, nil
		case err == nil && r.status != http.StatusTooManyRequests && r.status < http.StatusInternalServerError:
			return r, fmt.Errorf("refused with %d: %s", r.status, r.body)
		}
		select {
		case <-time.After(patience):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// mustDeliver delivers to the shared service.
func (m message) mustDeliver(t testing.TB) reply {
	t.Helper()
	r, err := m.deliver(t.Context(), world.service.URL, world.service.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// retryAfter is the header of that name in seconds, or -1.
func (r reply) retryAfter() int {
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	if err != nil {
		return -1
	}
	return seconds
}
