package life

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature/signaturetest"
)

// nodeMessage is a message that testdata/node/send.cjs signs and sends.
type nodeMessage struct {
	Client string `json:"client"`
	Key    string `json:"key"`
	URL    string `json:"url"`
	ID     string `json:"id"`
	Body   string `json:"body"`
}

type nodeAnswer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// TestNodeClientsDeliver sends with the npm clients of Standard Webhooks and Svix, through Node's own HTTP client.
func TestNodeClientsDeliver(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	var messages []nodeMessage
	for _, client := range []string{"standardwebhooks", "svix"} {
		content := harness.Data("node-"+client, 1)
		content.Description = "Zürich – 不正検知 🔍" // signed as the bytes that it is sent as
		m := harness.NewMessage(t, workspace.EventCreated, content)
		right := nodeMessage{client, env.Service.Secret, env.Service.URL + "/webhooks/workspace", m.ID, string(m.Body)}
		wrong := right
		wrong.Key = signature.NewSecret()
		messages = append(messages, wrong, right, right)
	}
	for i, answer := range runNode(t, messages) {
		want := []nodeAnswer{{http.StatusUnauthorized, "signature"}, {http.StatusAccepted, "accepted"}, {http.StatusOK, "duplicate"}}[i%3]
		if answer.Status != want.Status || !strings.Contains(answer.Body, want.Body) {
			t.Errorf("%s, message %d: answered %d %s", messages[i].Client, i%3, answer.Status, answer.Body)
		}
	}
	for _, client := range []string{"standardwebhooks", "svix"} {
		if w := env.AwaitReason(t, "node-"+client, v1alpha1.ReasonReady); w.Spec.Description != "Zürich – 不正検知 🔍" {
			t.Errorf("%s: the description has become %q", client, w.Spec.Description)
		}
	}
}

func runNode(t *testing.T, messages []nodeMessage) (answers []nodeAnswer) {
	t.Helper()
	work, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := signaturetest.NodePath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	node := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "node", "send.cjs"))
	node.Env = append(os.Environ(), "NODE_PATH="+clients)
	node.Stdin, node.Stderr = bytes.NewReader(work), &stderr
	output, err := node.Output()
	if err != nil {
		t.Fatalf("running node, which this test needs: %v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(messages) {
		t.Fatalf("send.cjs prints %s: %v", output, err)
	}
	return answers
}
