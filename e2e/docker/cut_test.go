//go:build linux

package docker

import (
	"context"
	"flag"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/docker"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

var everyCut = flag.Bool("every-cut", false, "cut the connection at every request, before and after the engine gets it, not at a few")

const (
	// mostRequests is more than a deployment needs.
	mostRequests = 40
	// fewCuts is the distance between the requests at which the connection is cut without -every-cut.
	fewCuts = 5
)

// cuts are where the connection is cut. An answer that is lost after the request took effect leaves more to find out.
func cuts() (distance int, moments []moment) {
	if *everyCut {
		return 1, []moment{beforeRequest, beforeAnswer}
	}
	return fewCuts, []moment{beforeAnswer}
}

// testCut: the connection is lost at each request that changes something, before the engine gets it or before its answer arrives. The
// outcome is unknown then, a later command finds it out, and the next deployment gets through.
func testCut(t *testing.T, env *environment) {
	t.Helper()
	h := env.startHost(t)
	socket := h.Path("/run/docker.sock")
	o := env.options(t, h, socket)
	harness.Must(t, newTarget(t, o).Setup(t.Context(), quiet(t)))
	harness.Must(t, newTarget(t, o).Up(t.Context(), quiet(t)))
	distance, moments := cuts()
	for n := 1; n < mostRequests; n += distance {
		for _, moment := range moments {
			c := startCutter(t, socket, n, moment)
			through := o
			through.Socket = c.path
			err := newTarget(t, through).Up(t.Context(), quiet(t))
			if !c.wasCut() {
				harness.Must(t, err)
				t.Logf("fewer than %d requests change something", n)
				checkSettled(t, o)
				return
			}
			if err == nil { // only the release of the lock was lost
				checkSettled(t, o)
				continue
			}
			if deploy.OutcomeOf(err) != deploy.Unknown || !strings.Contains(err.Error(), "`integrationctl deploy status docker` shows it") {
				t.Errorf("cut at %s %s: %v", c.request, moment, err)
			}
			if _, err := newTarget(t, o).Status(t.Context()); err != nil {
				t.Errorf("status after a cut at %s: %v", c.request, err)
			}
			harness.Must(t, newTarget(t, o).Up(t.Context(), quiet(t)))
		}
	}
	t.Errorf("a deployment makes more than %d requests", mostRequests)
}

// checkSettled makes sure that nothing of an interrupted deployment is left.
func checkSettled(t *testing.T, o docker.Options) {
	t.Helper()
	engine := engineOf(t, o.Socket)
	all, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true})
	harness.Must(t, err)
	for i := range all.Items {
		if name := all.Items[i].Names[0]; name != "/"+release+"-integration-1" && name != "/"+release+"-deploy" {
			t.Errorf("container %s is left", name)
		}
	}
	revisions, err := newTarget(t, o).History(t.Context())
	harness.Must(t, err)
	for _, r := range revisions {
		if r.State == "pending" {
			t.Errorf("revision %d is pending", r.Number)
		}
	}
	if newest := revisions[len(revisions)-1]; newest.State != "deployed" || newest.Worked != "yes" {
		t.Errorf("the newest revision is %+v", newest)
	}
}

func (env *environment) options(t *testing.T, h *host, socket string) docker.Options {
	t.Helper()
	return docker.Options{
		Socket: socket, Project: release, Archive: env.archive, Publish: "127.0.0.1:8080", CPU: "1", Memory: "512Mi", Wait: true,
		Timeout: time.Minute, Environment: map[string]string{"FLYTE_CONSOLE_URL": "https://flyte.company.com", "FLYTE_ADMIN_ENDPOINT": h.flyte},
		Secrets: map[string]string{
			docker.WebhookSecretFile: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", docker.KubeconfigFile: string(h.kubeconfig),
		},
		Lock: deploy.LockTimes{Duration: 3 * time.Second, Renewal: 100 * time.Millisecond, Check: 50 * time.Millisecond},
	}
}

func newTarget(t *testing.T, o docker.Options) *docker.Target {
	t.Helper()
	target, err := docker.New(o)
	harness.Must(t, err)
	return target
}

func quiet(t *testing.T) *progress.Steps {
	t.Helper()
	return progress.New(progress.Plain(t.Output()))
}

// moment is when a connection is cut.
type moment string

const (
	beforeRequest moment = "before the engine gets it"
	beforeAnswer  moment = "before its answer arrives"
)

// cutter is a way to an engine that ends at the nth request that changes something.
type cutter struct {
	path    string
	at      int
	moment  moment
	request string

	mu    sync.Mutex
	count int
	cut   bool
}

func startCutter(t *testing.T, socket string, at int, when moment) *cutter {
	t.Helper()
	c := &cutter{at: at, moment: when}
	c.path = proxy(t, socket, func(_ http.ResponseWriter, r *http.Request) (answered bool) {
		if !c.reached(r) {
			return false
		}
		if c.moment == beforeAnswer {
			engineProxy(socket).ServeHTTP(discard{http.Header{}}, r)
		}
		panic(http.ErrAbortHandler)
	})
	return c
}

// proxy is a way to an engine whose requests may be answered otherwise. A handler that panics ends it.
func proxy(t *testing.T, socket string, answer func(http.ResponseWriter, *http.Request) (answered bool)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	harness.Must(t, err)
	to := engineProxy(socket)
	server := &http.Server{} //nolint:gosec // of a test
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ended := true
		defer func() {
			if ended {
				_ = server.Close()
			}
		}()
		if !answer(w, r) {
			to.ServeHTTP(w, r)
		}
		ended = false
	})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return path
}

func engineProxy(socket string) http.Handler {
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	to.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	to.FlushInterval = -1
	return to
}

// reached says whether the connection ends at a request. Health checks and the heartbeat of the lock change nothing.
func (c *cutter) reached(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || strings.Contains(r.URL.Path, "/exec") ||
		r.URL.Query().Get("path") == "/"
	c.mu.Lock()
	defer c.mu.Unlock()
	if reads || c.cut {
		return false
	}
	c.count++
	if c.count < c.at {
		return false
	}
	c.cut, c.request = true, r.Method+" "+r.URL.Path
	return true
}

func (c *cutter) wasCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

// discard takes an answer that never arrives.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
