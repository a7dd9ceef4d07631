package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	created   = workspace.EventCreated
	suspended = workspace.EventSuspended
	resumed   = workspace.EventResumed
)

// post signs a message and sends it once, to the Service or to one pod.
func post(ctx context.Context, base, secret string, m service.Message) (status int, body string, err error) {
	signer, err := signature.NewSigner(secret)
	if err != nil {
		return 0, "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/webhooks/workspace", bytes.NewReader(m.Body))
	if err != nil {
		return 0, "", err
	}
	request.Header = signer.Sign(m.ID, time.Now(), m.Body)
	request.Header.Set("Content-Type", "application/json")
	response, err := env.http.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// deliver sends an event by the Service, which must accept it, in the end: the edge refuses a tier until its cache has it.
func deliver(t *testing.T, kind workspace.EventType, data workspace.Data) {
	t.Helper()
	m := harness.NewMessage(t, kind, data)
	harness.Eventually(t, fmt.Sprintf("%s of %s to be accepted", kind, data.WorkspaceID), func(ctx context.Context) bool {
		status, _, err := post(ctx, env.url, env.secret, m)
		return err == nil && status < http.StatusMultipleChoices
	})
}

// setState delivers an event that says nothing but a state.
func setState(t *testing.T, kind workspace.EventType, id string, version int64) {
	t.Helper()
	deliver(t, kind, workspace.Data{WorkspaceID: id, Version: version})
}
