package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// clientsDir has the lockfile of the npm clients, which this package shares.
const clientsDir = "../internal/workspace/signature/testdata/node"

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
	var messages []nodeMessage
	for _, client := range []string{"standardwebhooks", "svix"} {
		content := team("node-"+client, 1)
		content.Description = "Zürich – 不正検知 🔍" // signed as the bytes that it is sent as
		m := newMessage(t, workspace.EventCreated, content)
		right := nodeMessage{client, world.service.Secret, world.service.URL + "/webhooks/workspace", m.id, string(m.body)}
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
		if w := settled(t, "node-"+client, v1alpha1.ReasonReady); w.Spec.Description != "Zürich – 不正検知 🔍" {
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
	var stderr strings.Builder
	node := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "node", "send.cjs"))
	node.Env = append(os.Environ(), "NODE_PATH="+installClients(t))
	node.Stdin, node.Stderr = bytes.NewReader(work), &stderr
	output, err := node.Output()
	if err != nil {
		t.Fatalf("running node, which this test needs: %v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(messages) {
		t.Fatalf("send.cjs tells %s: %v", output, err)
	}
	return answers
}

// installClients returns the node_modules folder with what the lockfile names. The tests of package signature keep it
// under the same name; what is not there is installed aside and then renamed.
func installClients(t *testing.T) string {
	t.Helper()
	parent := filepath.Join(cacheDir(t), "npm")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile(filepath.Join(clientsDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.OpenRoot(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	digest := sha256.Sum256(lock)
	name := hex.EncodeToString(digest[:8])
	if _, err := cache.Stat(name); err != nil {
		npmInstall(t, cache, name)
	}
	return filepath.Join(parent, name, "node_modules")
}

func npmInstall(t *testing.T, cache *os.Root, name string) {
	t.Helper()
	aside := fmt.Sprintf(".%s-e2e-%d", name, os.Getpid())
	defer func() { _ = cache.RemoveAll(aside) }()
	err := cache.MkdirAll(aside, 0o755)
	for _, file := range []string{"package.json", "package-lock.json"} {
		content, readErr := os.ReadFile(filepath.Join(clientsDir, file))
		err = errors.Join(err, readErr, cache.WriteFile(filepath.Join(aside, file), content, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = filepath.Join(cache.Name(), aside)
	if output, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("running npm ci, which this test needs: %v\n%s", err, output)
	}
	if err := cache.Rename(aside, name); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}

// cacheDir is where downloads are kept, outside the checkout.
func cacheDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("WFI_CACHE_DIR"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "workspace-flyte-integration")
}
