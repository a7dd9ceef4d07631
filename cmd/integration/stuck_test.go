package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	servicetest "platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// deaf is a Flyte client that never returns, even when its context ends, as after a deadlock.
type deaf struct{}

func (deaf) EnsureProject(context.Context, flyte.Project) (changed bool, err error) { select {} }

func (deaf) Differing(context.Context, []flyte.Project) (ids []string, err error) { select {} }

// stuck is the real service with a Flyte client that blocks its workers, and a short stallLimit.
func stuck() {
	cfg, wrong := loadConfig(os.Environ())
	if len(wrong) > 0 {
		panic(wrong)
	}
	logger, err := newLogger(cfg)
	if err != nil {
		panic(err)
	}
	log, slogger := useLogger(logger)
	s := newService(cfg, log, slogger)
	s.stallLimit = 100 * time.Millisecond
	ctx := ctrl.SetupSignalHandler()
	if err := s.build(ctx); err != nil {
		panic(err)
	}
	s.controller.Projects = deaf{}
	if err := s.serve(ctx); err != nil {
		panic(err)
	}
}

// installed is the program on a control plane, under the account and with the environment of the chart.
type installed struct {
	*testing.T
	*servicetest.Service

	cluster *devcluster.Cluster
}

func install(t *testing.T, program string) installed {
	t.Helper()
	cluster, err := devcluster.Start(t.Context(), devcluster.Options{Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	double, err := flytetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(double.Stop)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := servicetest.Install(t.Context(), servicetest.Options{
		Admin: cluster.Config(), Binary: binary, Flyte: double.Addr(), Dir: t.TempDir(),
		Env: map[string]string{"PROGRAM": program, "PROVISION_TIMEOUT": "1s"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return installed{t, s, cluster}
}

// TestStuckWorker: /livez and /health report it, but /livez does not while a restart can't help. At shutdown, every pending request
// is answered.
func TestStuckWorker(t *testing.T) {
	i := install(t, "stuck")
	i.says("/livez", http.StatusOK, "ok")
	first := i.halfSent("stuck-1")
	first.finish(t)
	i.says("/livez", http.StatusServiceUnavailable, "no progress")
	i.says("/health", http.StatusServiceUnavailable, `"reasons":["controller not progressing"]`)
	i.says("/readyz", http.StatusOK, "ok")
	i.cluster.PauseAPIServer()
	i.says("/livez", http.StatusOK, "ok")
	i.says("/health", http.StatusServiceUnavailable, `"reasons":["API server unreachable","controller not progressing"]`)
	i.cluster.ResumeAPIServer()
	i.says("/livez", http.StatusServiceUnavailable, "no progress")

	last := i.halfSent("stuck-2")
	go i.Stop()
	i.eventually("the listener to close", func() bool { return i.dial() == nil })
	last.finish(t)
	<-i.Exited()
	if i.ExitCode() == 0 {
		t.Error("the process kept silent about a worker that never ended")
	}
	i.isStored("stuck-1", "stuck-2")
}

func (i installed) isStored(ids ...string) {
	i.Helper()
	scheme, err := k8s.NewScheme()
	if err != nil {
		i.Fatal(err)
	}
	admin, err := client.New(i.cluster.Config(), client.Options{Scheme: scheme})
	if err != nil {
		i.Fatal(err)
	}
	for _, id := range ids {
		if err := admin.Get(i.Context(), client.ObjectKey{Name: id}, &v1alpha1.Workspace{}); err != nil {
			i.Error(err)
		}
	}
}

// eventually waits until the condition is true.
func (i installed) eventually(what string, condition func() bool) {
	i.Helper()
	err := wait.PollUntilContextTimeout(i.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
	if err != nil {
		i.Fatalf("waiting for %s: %v", what, err)
	}
}

// says waits until the program gives this answer.
func (i installed) says(path string, status int, text string) {
	i.Helper()
	var last string
	i.eventually(fmt.Sprintf("%s to say %d %s", path, status, text), func() bool {
		r, err := http.NewRequestWithContext(i.Context(), http.MethodGet, i.URL+path, http.NoBody)
		if err != nil {
			i.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		last = string(body)
		return answer.StatusCode == status && strings.Contains(last, text)
	})
}

// dial connects; nil if nobody listens.
func (i installed) dial() net.Conn {
	c, err := (&net.Dialer{}).DialContext(i.Context(), "tcp", strings.TrimPrefix(i.URL, "http://"))
	if err != nil {
		return nil
	}
	i.Cleanup(func() { _ = c.Close() })
	return c
}

// unfinished is a signed webhook whose body the handler waits for.
type unfinished struct {
	net.Conn

	answers *bufio.Reader
	body    string
}

func (i installed) halfSent(id string) unfinished {
	i.Helper()
	body := fmt.Sprintf(`{"type":"workspace.created","data":{"workspace_id":%q,"version":1,"name":"Fraud"}}`, id)
	signer, err := signature.NewSigner(i.Secret)
	if err != nil {
		i.Fatal(err)
	}
	c := i.dial()
	if c == nil {
		i.Fatal("nobody listens")
	}
	fmt.Fprintf(c, "POST /webhooks/workspace HTTP/1.1\r\nHost: integration\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"Expect: 100-continue\r\n", len(body))
	if err := signer.Sign("msg_"+rand.Text(), time.Now(), []byte(body)).Write(c); err != nil {
		i.Fatal(err)
	}
	fmt.Fprint(c, "\r\n")
	u := unfinished{c, bufio.NewReader(c), body}
	u.answered(i.T, http.StatusContinue)
	return u
}

func (u unfinished) answered(t *testing.T, status int) {
	t.Helper()
	answer, err := http.ReadResponse(u.answers, nil)
	if err != nil {
		t.Fatalf("cut off: %v", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != status {
		t.Errorf("answered %s, want %d", answer.Status, status)
	}
}

func (u unfinished) finish(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(u, u.body); err != nil {
		t.Fatal(err)
	}
	u.answered(t, http.StatusAccepted)
}
