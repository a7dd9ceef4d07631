package webhook_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature/signaturetest"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

const docsForSenders = "../../../docs/webhook.md"

var codeBlock = regexp.MustCompile("(?s)\n```(\\w+)\n(.*?\n)```\n")

// blocks are the code blocks of docs/webhook.md in a language, in their order.
func blocks(t *testing.T, language string) (code []string) {
	t.Helper()
	text, err := os.ReadFile(docsForSenders)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		if match[1] == language {
			code = append(code, match[2])
		}
	}
	return code
}

// program is one of docs/webhook.md, as a file and what runs it.
type program struct {
	language, file string
	// edit makes the program what the document says in words.
	edit []string
	run  []string
	env  []string
	// optional is a tool that not every machine has which runs the tests.
	optional string
}

// TestDocs_ExampleSendersAreAccepted runs the programs of docs/webhook.md as they stand there, against a real listener.
func TestDocs_ExampleSendersAreAccepted(t *testing.T) {
	clients, err := signaturetest.NodePath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	node := []string{"NODE_PATH=" + clients}
	programs := map[string]program{
		"curl and openssl": {language: "sh", file: "send.sh", run: []string{"sh"}, optional: "openssl"},
		"Go":               {language: "go", file: "send.go", run: []string{"go", "run"}},
		"Python":           {language: "python", file: "send.py", run: []string{"python3"}, optional: "python3"},
		"standardwebhooks": {language: "js", file: "send.cjs", run: []string{"node"}, env: node},
		"svix": {
			language: "js", edit: []string{`"standardwebhooks"`, `"svix"`, `"webhook-`, `"svix-`}, file: "send.cjs",
			run: []string{"node"}, env: node,
		},
	}
	for language, n := range map[string]int{"sh": 1, "go": 1, "python": 1, "js": 1} {
		if got := len(blocks(t, language)); got != n {
			t.Fatalf("docs/webhook.md has %d programs in %s, want %d", got, language, n)
		}
	}
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(p.optional); p.optional != "" && err != nil {
				t.Skipf("not tried: this machine has no %s", p.optional)
			}
			p.isUnderstood(t)
		})
	}
}

func (p *program) isUnderstood(t *testing.T) {
	t.Helper()
	e := newEdge(t, worldClock)
	for _, want := range []string{"202", "stale"} { // the second has another id, and the same version
		if output, err := p.sends(t, e, secret); err != nil || !strings.Contains(output, want) {
			t.Errorf("want %s: %v\n%s", want, err, output)
		}
	}
	if w := e.store.stored()["ws-001"]; w == nil || w.Spec.Description != "Card fraud models" {
		t.Errorf("stored is %v", w)
	}
	if output, err := p.sends(t, e, otherSecret); err == nil || !strings.Contains(output, "401") {
		t.Errorf("with the wrong secret: %v\n%s", err, output)
	}
}

// worldClock lets the edge verify by the time that other programs know.
func worldClock(o *webhook.Options, _ *http.Server) {
	o.Verifier = signature.NewVerifier(func() *signature.Keys { return keysOf(secret) }, 5*time.Minute, time.Now)
}

// sends runs the program with the event that docs/webhook.md begins with.
func (p *program) sends(t *testing.T, e *edge, secret string) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	text := strings.NewReplacer(p.edit...).Replace(blocks(t, p.language)[0])
	for name, content := range map[string]string{p.file: text, "event.json": blocks(t, "json")[0]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := slices.Concat(p.run[1:], []string{filepath.Join(dir, p.file), filepath.Join(dir, "event.json")})
	c := exec.CommandContext(t.Context(), p.run[0], args...)
	c.Env = append(os.Environ(), "WEBHOOK_URL=http://"+e.address+hooks, "WEBHOOK_SECRET="+secret)
	c.Env = append(c.Env, p.env...)
	printed, err := c.CombinedOutput()
	return string(printed), err
}

func TestDocs_VectorsAreThoseOfTheTests(t *testing.T) {
	type vector map[string]string
	var printed, tested []vector
	text, err := os.ReadFile("../signature/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	all := blocks(t, "json")
	for content, vectors := range map[string]*[]vector{string(text): &tested, all[len(all)-1]: &printed} {
		if err := json.Unmarshal([]byte(content), vectors); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]vector{}
	for _, v := range tested {
		known[v["name"]] = v
	}
	for _, v := range printed {
		if diff := cmp.Diff(known[v["name"]], v); diff != "" {
			t.Errorf("%s (-tested +printed):\n%s", v["name"], diff)
		}
	}
	if len(printed) < 5 {
		t.Errorf("%d vectors are printed", len(printed))
	}
}
