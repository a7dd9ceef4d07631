package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

var update = flag.Bool("update", false, "update the golden files")

// TestMain runs the program itself if a test has started this binary as the program.
func TestMain(m *testing.M) {
	if os.Getenv("PROGRAM") == "integrationctl" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// result is how the program ended.
type result struct {
	Code           int
	Stdout, Stderr string
}

// invocation is the input of the program, besides its arguments.
type invocation struct{ secret, stdin, url string }

// program is the test binary as the program itself, not started yet.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), binary, args...)
	// The race detector would sleep for a second at the end of each program.
	c.Env = []string{"PROGRAM=integrationctl", "GORACE=atexit_sleep_ms=0"}
	return c
}

// run runs the command in this process: under the race detector, the program itself takes most of a second to start.
func (i invocation) run(t *testing.T, args ...string) result {
	t.Helper()
	for name, value := range map[string]string{
		"WORKSPACE_WEBHOOK_SECRET": i.secret, "INTEGRATIONCTL_URL": i.url, "KUBECONFIG": "", "HOME": "", "KUBERNETES_SERVICE_HOST": "",
	} {
		t.Setenv(name, value)
	}
	streams, in, out, errOut := genericiooptions.NewTestIOStreams()
	in.WriteString(i.stdin)
	root := newCommand(programName, streams)
	root.SetArgs(args)
	code := exitCode(t.Context(), root.ExecuteContext(t.Context()), func(text string) {
		fmt.Fprintf(errOut, "%s: %s\n", root.DisplayName(), text)
	})
	return result{Code: code, Stdout: out.String(), Stderr: errOut.String()}
}

func TestSecretNew_PrintsASecretThatTheServiceTakes(t *testing.T) {
	one, two := invocation{}.run(t, "secret", "new"), invocation{}.run(t, "secret", "new")
	for _, got := range []result{one, two} {
		if _, err := signature.ParseKeys(got.Stdout); err != nil || got.Code != 0 || got.Stderr != "" {
			t.Errorf("it printed %q and %q with exit code %d: %v", got.Stdout, got.Stderr, got.Code, err)
		}
		if strings.Count(got.Stdout, "\n") != 1 {
			t.Errorf("%q is not one line", got.Stdout)
		}
	}
	if one.Stdout == two.Stdout {
		t.Error("two secrets are the same")
	}
}

func TestSecretFingerprint_PrintsNoSecret(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for stdin, want := range map[string]result{
		secret + "\n": {Stdout: "d3f8a964\n"},
		"":            {Code: 1, Stderr: "integrationctl: reading the secrets on standard input: there is no secret\n"},
		"x" + secret: {
			Code:   1,
			Stderr: "integrationctl: reading the secrets on standard input: secret 1: it does not start with whsec_, whsk_ or whpk_\n",
		},
	} {
		if diff := cmp.Diff(want, invocation{stdin: stdin}.run(t, "secret", "fingerprint")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", stdin, diff)
		}
	}
}

// TestCommand_Helps compares the help of every command with a golden file.
func TestCommand_Helps(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		args := strings.Fields(c.CommandPath())[1:]
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			got := invocation{}.run(t, append(args, "--help")...)
			golden := filepath.Join("help", strings.Join(append([]string{programName}, args...), "-")+".txt")
			if diff := cmp.Diff(result{Stdout: expected(t, golden, got.Stdout)}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.Runnable() && !c.HasSubCommands() && c.Example == "" {
				t.Error("the help has no example")
			}
		})
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(newCommand(programName, genericiooptions.NewTestIOStreamsDiscard()))
}

func TestCommand_RefusesWhatItDoesNotKnow(t *testing.T) {
	for args, want := range map[string]string{
		"sned":             `unknown command "sned" for "integrationctl"; did you mean send?; see integrationctl --help`,
		"secret bogus":     `unknown command "bogus" for "integrationctl secret"; see integrationctl secret --help`,
		"secret new twice": `unknown command "twice" for "integrationctl secret new"; see integrationctl secret new --help`,
		"send ws-001":      `unknown command "ws-001" for "integrationctl send"; see integrationctl send --help`,
		"send --idd x":     "unknown flag: --idd; see integrationctl send --help",
		"restore":          "requires at least 1 arg(s), only received 0; see integrationctl restore --help",

		"wait ws-001 --timeout soon":        `--timeout must be a duration such as 30s or 5m, not "soon"`,
		"wait ws-001 --timeout -1s":         "--timeout must be above zero, not -1s",
		"deploy upgrade k3s --timeout 0s":   "--timeout must be above zero, not 0s",
		"wait ws-001 --for happy":           `--for must be ready, suspended, deleted or purged, not "happy"`,
		"suspend ws-001 --dry-run=yes":      `--dry-run must be none, client or server, not "yes"`,
		"events a --watch --all-objects":    "--watch shows Events about the workspace itself: leave out --all-objects",
		"suspend a --wait --dry-run=client": "--wait waits for a change: leave out --dry-run",
	} {
		t.Run(args, func(t *testing.T) {
			got := invocation{}.run(t, strings.Fields(args)...)
			if diff := cmp.Diff(result{Code: 64, Stderr: "integrationctl: " + want + "\n"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommand_SaysWhatToDoWithoutACluster(t *testing.T) {
	for args, want := range map[string]string{
		"get ws --kubeconfig /no/file": "choose the cluster with --kubeconfig and --context; `kubectl config get-contexts` lists the contexts\n",
		"get ws --server 127.0.0.1:1":  "nothing listens there: start the cluster, or choose another one with --context or --kubeconfig\n",
		"get ws --context nowhere":     "`kubectl config get-contexts` lists the contexts\n",
	} {
		got := invocation{}.run(t, strings.Fields(args)...)
		if got.Code != 1 || got.Stdout != "" || !strings.HasSuffix(got.Stderr, want) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestCommand_TellsItsVersion(t *testing.T) {
	if diff := cmp.Diff(result{Stdout: "integrationctl version dev\n"}, invocation{}.run(t, "--version")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// expected is the content of a golden file. With -update, the file gets the actual output first.
func expected(t *testing.T, golden, got string) string {
	t.Helper()
	path := filepath.Join("testdata", golden)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}
