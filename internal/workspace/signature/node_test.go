package signature_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature/signaturetest"
)

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
	clients, err := signaturetest.NodePath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "testdata/node/clients.cjs")
	node.Env = append(os.Environ(), "NODE_PATH="+clients)
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
