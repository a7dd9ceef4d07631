package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log" //nolint:depguard // what some libraries call
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/grpclog"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// programs are what the test binary runs instead of tests, by the value of the variable PROGRAM.
var programs = map[string]func(){"integration": main, "libraries": libraries, "stuck": stuck}

func TestMain(m *testing.M) {
	if program, ok := programs[os.Getenv("PROGRAM")]; ok {
		program()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// result is how a program ended.
type result struct {
	Code           int
	Stdout, Stderr string
}

// start runs a program with this environment and no other, until it ends.
func start(t *testing.T, program string, env map[string]string, args ...string) result {
	t.Helper()
	var out, errOut strings.Builder
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), binary, args...)
	c.Env = []string{"PROGRAM=" + program, "GORACE=atexit_sleep_ms=0"} // the race detector would sleep for a second at each end
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); c.ProcessState == nil {
		t.Fatal(err)
	}
	return result{Code: c.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errOut.String()}
}

// TestMain_NamesEveryMistakeInALine: before anything listens or is logged.
func TestMain_NamesEveryMistakeInALine(t *testing.T) {
	three := newEnvironment(t).values
	three["FLYTE_CONSOLE_URL"] = "flyte.company.com"
	three["WORKSPACE_WEBHOOK_SECRET"] = "whsec_c2hvcnQ="
	three["PROVISION_TIMEOUT"] = "soon"
	tests := map[string]struct {
		env  map[string]string
		want []string
	}{
		"three": {three, []string{
			"FLYTE_CONSOLE_URL: must be an http or https URL",
			"PROVISION_TIMEOUT: is not a duration such as 5m",
			"WORKSPACE_WEBHOOK_SECRET: secret 1: a whsec_ secret has 24 to 64 bytes",
		}},
		"nothing is set": {nil, []string{
			"FLYTE_CONSOLE_URL: is required",
			"KUBECONFIG: is required outside a cluster",
			"WORKSPACE_WEBHOOK_SECRET: is required, or WORKSPACE_WEBHOOK_SECRET_FILE",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := result{Code: 2, Stderr: strings.Join(test.want, "\n") + "\n"}
			if diff := cmp.Diff(want, start(t, "integration", test.env)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMain_TakesNoArgumentButVersion(t *testing.T) {
	wrong := result{Code: 2, Stderr: "integration takes only --version, --upgrade-crds, --test URL, --probe URL... or " +
		"--network-probe ADDRESS: environment variables configure it\n"}
	tests := map[string]result{
		"--version": {Stdout: "dev (commit unknown, unknown, " + runtime.Version() + ")\n"},
		"--help":    wrong, "serve": wrong, "--version --help": wrong, "--test": wrong,
	}
	for args, want := range tests {
		t.Run(args, func(t *testing.T) {
			if diff := cmp.Diff(want, start(t, "integration", nil, strings.Fields(args)...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMain_LogsWhyItStops(t *testing.T) {
	env := newEnvironment(t).values
	env["LISTEN_ADDRESS"], env["METRICS_ADDRESS"] = "127.0.0.1:0", "127.0.0.1:0"
	got := start(t, "integration", env)
	messages := logged(t, got.Stderr)
	if got.Code != 1 || got.Stdout != "" || len(messages) == 0 || messages[len(messages)-1] != "stopping" {
		t.Errorf("without an API server: %+v", got)
	}
	if !strings.Contains(got.Stderr, "connection refused") || strings.Contains(got.Stderr, "whsec_") {
		t.Errorf("the log is %s", got.Stderr)
	}
}

func TestLogger_SpeaksForEveryLibrary(t *testing.T) {
	got := start(t, "libraries", map[string]string{"LOG_LEVEL": "info", "LOG_FORMAT": "json"})
	want := []string{"klog", "klog, contextual", "Unhandled Error", "controller-runtime", "slog", "log", "gRPC"}
	if diff := cmp.Diff(want, logged(t, got.Stderr)); diff != "" || got.Stdout != "" {
		t.Errorf("info: %q (-want +got):\n%s", got.Stdout, diff)
	}
	got = start(t, "libraries", map[string]string{"LOG_LEVEL": "error", "LOG_FORMAT": "json"})
	want = []string{"klog, contextual", "Unhandled Error", "gRPC"}
	if diff := cmp.Diff(want, logged(t, got.Stderr)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	got = start(t, "libraries", map[string]string{"LOG_LEVEL": "info", "LOG_FORMAT": "console"})
	if got.Code != 0 || strings.HasPrefix(got.Stderr, "{") || strings.Count(got.Stderr, "\n") != 7 {
		t.Errorf("console: %+v", got)
	}
}

// logged are the messages of a log of which every line must be JSON.
func logged(t *testing.T, text string) (messages []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var entry struct{ Level, TS, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.TS == "" {
			t.Errorf("this is no line of a JSON log (%v): %s", err, line)
		}
		messages = append(messages, entry.Msg)
	}
	return messages
}

// libraries logs in each way in which a library may.
func libraries() {
	logger, err := newLogger(&config{LogLevel: os.Getenv("LOG_LEVEL"), LogFormat: os.Getenv("LOG_FORMAT")})
	if err != nil {
		panic(err)
	}
	useLogger(logger)
	klog.Info("klog")
	klog.V(2).Info("klog, verbose")
	klog.Background().Error(errors.ErrUnsupported, "klog, contextual")
	klog.Background().V(2).Info("klog, contextual and verbose")
	utilruntime.HandleError(errors.ErrUnsupported)
	ctrl.Log.Info("controller-runtime")
	slog.Warn("slog")
	slog.Debug("slog, debug")
	log.Print("log")
	grpclog.Error("gRPC")
	grpclog.Info("gRPC, sparse")
}

func TestStopped_BlamesTheConfiguration(t *testing.T) {
	if code := exitCode(logr.Discard(), fmt.Errorf("running: %w", misconfiguration("NAMESPACE_TEMPLATE: no"))); code != exitMisconfigured {
		t.Errorf("a misconfiguration ends with %d", code)
	}
	if code := exitCode(logr.Discard(), errors.New("no")); code != exitFailed {
		t.Errorf("a failure ends with %d", code)
	}
}
