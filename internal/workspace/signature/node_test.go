package signature_test

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
	"strconv"
	"strings"
	"testing"
	"time"
)

const clientsDir = "testdata/node"

// foreign is a message that testdata/node/clients.cjs signs or verifies.
type foreign struct {
	Client    string            `json:"client"`
	Key       string            `json:"key"`
	ID        string            `json:"id,omitempty"`
	Timestamp int64             `json:"timestamp,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      string            `json:"body"`
	keys      string            // what verifies it here
}

var foreignBodies = []string{
	"", "{}", `{"type":"ping"}` + "\n", "not json",
	`{"name":"Zürich – 不正検知 🔍","escaped":"\u2028"}`, `["` + strings.Repeat("x", 100_000) + `"]`,
}

// signing returns what each client and secret has to sign.
func signing() []foreign {
	const seed = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=" // of privateKey
	var all []foreign
	for i, body := range foreignBodies {
		message := foreign{ID: "msg_" + strconv.Itoa(i), Timestamp: signedAt.Unix() + int64(i), Body: body}
		for _, client := range []string{"standardwebhooks", "svix"} {
			for _, secret := range []string{secretA, secretB, whsec(24), whsec(63), whsec(64)} {
				message.Client, message.Key, message.keys = client, secret, secret
				all = append(all, message)
			}
		}
		message.Client, message.Key, message.keys = "node", seed, publicKey
		all = append(all, message)
	}
	return all
}

func TestVerifier_AcceptsNodeClients(t *testing.T) {
	messages := signing()
	signed := runClients(t, messages, nil).Signed
	for i, m := range messages {
		timestamp := strconv.FormatInt(m.Timestamp, 10)
		for _, h := range []http.Header{
			{"Webhook-Id": {m.ID}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signed[i]}},
			{"Svix-Id": {m.ID}, "Svix-Timestamp": {timestamp}, "Svix-Signature": {signed[i]}},
		} {
			if _, err := verifierAt(t, m.keys, signedAt).Verify(h, []byte(m.Body)); err != nil {
				t.Errorf("%s with %s, body %.20q: reason %q", m.Client, m.keys, m.Body, reasonOf(t, err))
			}
		}
	}
}

// The clients compare with their own clock, so these are signed now.
func TestSigner_IsAcceptedByNodeClients(t *testing.T) {
	messages := signing()
	for i := range messages {
		m := &messages[i]
		secrets := m.Key
		if m.Client == "node" {
			secrets, m.Key = privateKey, strings.TrimPrefix(publicKey, "whpk_")
		}
		if !json.Valid([]byte(m.Body)) {
			m.Body = `"a client also parses the body"`
		}
		m.Headers = map[string]string{}
		for name, values := range mustSigner(t, secrets).Sign(m.ID, time.Now(), []byte(m.Body)) {
			m.Headers[strings.ToLower(name)] = values[0]
		}
	}
	wrong := messages[0]
	wrong.Body += " "
	for i, problem := range runClients(t, nil, append(messages, wrong)).Verified {
		if last := i == len(messages); (problem == nil) == last {
			t.Errorf("message %d: %v", i, problem)
		}
	}
}

type clientsAnswer struct {
	Signed   []string  `json:"signed"`
	Verified []*string `json:"verified"`
}

// runClients lets Node sign and verify.
func runClients(t *testing.T, sign, verify []foreign) clientsAnswer {
	t.Helper()
	work, err := json.Marshal(map[string][]foreign{"sign": append([]foreign{}, sign...), "verify": append([]foreign{}, verify...)})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "clients.cjs")
	node.Dir = clientsDir
	node.Env = append(os.Environ(), "NODE_PATH="+installClients(t))
	node.Stdin = bytes.NewReader(work)
	var stderr strings.Builder
	node.Stderr = &stderr
	output, err := node.Output()
	if err != nil {
		t.Fatalf("running node, which this test needs: %v\n%s", err, &stderr)
	}
	var answer clientsAnswer
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatalf("reading the answer of clients.cjs: %v", err)
	}
	if len(answer.Signed) != len(sign) || len(answer.Verified) != len(verify) {
		t.Fatalf("got %d and %d answers for %d and %d messages", len(answer.Signed), len(answer.Verified), len(sign), len(verify))
	}
	return answer
}

// installClients returns the node_modules folder with what the lockfile names, installing it once for each lockfile.
func installClients(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(clientsDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	parent := filepath.Join(cacheDir(t), "npm")
	if err := os.MkdirAll(parent, 0o755); err != nil {
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
		npmInstall(t, cache, name, lock)
	}
	return filepath.Join(parent, name, "node_modules")
}

// npmInstall installs aside and then renames: what is interrupted leaves nothing that would be used.
func npmInstall(t *testing.T, cache *os.Root, name string, lock []byte) {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(clientsDir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	aside := fmt.Sprintf(".%s-%d", name, os.Getpid())
	defer func() {
		if err := cache.RemoveAll(aside); err != nil {
			t.Error(err)
		}
	}()
	if err := errors.Join(cache.MkdirAll(aside, 0o755),
		cache.WriteFile(filepath.Join(aside, "package.json"), manifest, 0o644),
		cache.WriteFile(filepath.Join(aside, "package-lock.json"), lock, 0o644)); err != nil {
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
