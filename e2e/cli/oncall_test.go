package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	rbacv1 "k8s.io/api/rbac/v1"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// replica is the service, or the one that runs instead of it for a script.
var replica *service.Service

func current() *service.Service {
	if replica != nil {
		return replica
	}
	return shared.Env().Service
}

// page is the command "page PATH TEXT": it waits until the web page at the path has the text.
func page(ts *testscript.TestScript, _ bool, args []string) {
	token, err := viewerToken()
	ts.Check(err)
	body := ""
	err = harness.Poll(context.Background(), func(ctx context.Context) bool {
		body = get(ctx, current().URL+args[0], token)
		return strings.Contains(body, args[1])
	})
	if err != nil {
		ts.Fatalf("the page %s lacks %q: %v\n%s", args[0], args[1], err, body)
	}
}

// metric is the command "metric REGEXP": it waits until a line of the metrics matches.
func metric(ts *testscript.TestScript, _ bool, args []string) {
	line := regexp.MustCompile("(?m)" + args[0])
	err := harness.Poll(context.Background(), func(ctx context.Context) bool {
		return line.MatchString(get(ctx, current().Metrics, ""))
	})
	if err != nil {
		ts.Fatalf("no metric matches %s: %v", args[0], err)
	}
}

// logged is the command "logged REGEXP": it waits until a line of the service's log matches.
func logged(ts *testscript.TestScript, _ bool, args []string) {
	line := regexp.MustCompile(args[0])
	err := harness.Poll(context.Background(), func(context.Context) bool {
		text, err := os.ReadFile(current().LogPath())
		return err == nil && line.Match(text)
	})
	if err != nil {
		ts.Fatalf("no line of %s matches %s: %v", current().LogPath(), args[0], err)
	}
}

func get(ctx context.Context, url, token string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// viewerToken is that of an account which may read all workspaces and tiers.
var viewerToken = sync.OnceValues(func() (string, error) {
	account, err := shared.Env().CreateAccount(context.Background(), "viewer", rbacv1.PolicyRule{
		APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces", "workspacetiers"}, Verbs: []string{"get", "list"},
	})
	if err != nil {
		return "", err
	}
	return shared.Env().Token(context.Background(), account)
})

// slow is the command "slow DURATION": until the script ends, a replica runs instead of the service whose API server takes so long for
// each answer, and slow.kubeconfig leads to the same API server. SLOW_URL is the replica's.
func slow(ts *testscript.TestScript, _ bool, args []string) {
	delay, err := time.ParseDuration(args[0])
	ts.Check(err)
	env, ctx := shared.Env(), context.Background()
	proxy, err := faultproxy.New(env.Cluster.Config())
	ts.Check(err)
	replica, err = env.Service.Through(ctx, "workspace-flyte-integration-slow", proxy)
	ts.Check(err)
	env.Service.Stop()
	ts.Check(replica.Start(ctx))
	ts.Defer(func() {
		proxy.Set(nil)
		replica.Stop()
		replica = nil
		proxy.Stop()
		ts.Check(env.Service.Start(ctx))
	})
	proxy.Set(func(*http.Request) faultproxy.Fault { return faultproxy.Fault{Delay: delay} })
	ts.Check(devcluster.WriteKubeconfig(ts.MkAbs("slow.kubeconfig"), proxy.Config(env.Cluster.Config())))
	ts.Setenv("SLOW_URL", replica.URL)
}

// workspaceServices are those that scripts have started.
var workspaceServices = map[*testscript.TestScript]*httptest.Server{}

// workspaceService is the command "workspace-service start|stop": the service runs with a workspace service until the script ends. That
// accepts every report, and has no listing, until it is stopped.
func workspaceService(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "stop" {
		workspaceServices[ts].Close()
		return
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNoContent
		if r.Method == http.MethodGet {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
	}))
	workspaceServices[ts] = server
	ts.Defer(server.Close)
	const secret = "whsec_b3V0Ym91bmQtc2VjcmV0LW9mLWEtdGVzdC1vbmx5LTE="
	runWith(ts, map[string]string{"WORKSPACE_API_ENDPOINT": server.URL, "WORKSPACE_API_SECRET": secret},
		map[string]string{"WORKSPACE_API_ENDPOINT": "", "WORKSPACE_API_SECRET": ""})
}
