package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// workspaceAPI answers as an API server that knows no resource but workspaces, and has none of them.
const workspaceAPI = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"platform.company.com/v1alpha1","resources":[
	{"name":"workspaces","kind":"Workspace","namespaced":false,"verbs":["list"]}]}`

// TestCommand_ShowsWarningsOfTheAPIServer, and everything else that controller-runtime logs. Without a logger, controller-runtime drops
// its log and prints a stack trace after half a minute.
func TestCommand_ShowsWarningsOfTheAPIServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/workspaces") {
			fmt.Fprint(w, workspaceAPI)
			return
		}
		w.Header().Set("Warning", `299 - "this version goes away"`)
		fmt.Fprint(w, `{"kind":"WorkspaceList","apiVersion":"platform.company.com/v1alpha1","items":[]}`)
	}))
	defer server.Close()
	got := invocation{}.run(t, "workspaces", "list", "--kubeconfig", "/dev/null", "--server", server.URL)
	if got.Code != 0 || !strings.Contains(got.Stderr, "this version goes away") {
		t.Errorf("it printed %q, exit code %d", got.Stderr, got.Code)
	}
}

func TestSend_PostsToTheURLOfTheEnvironment(t *testing.T) {
	i := invocation{secret: secret, url: "http://127.0.0.1:4711/"}
	args := []string{"send", "--dry-run", "--type", "ping"}
	for want, flags := range map[string][]string{
		"POST http://127.0.0.1:4711/webhooks/workspace\n": nil,
		"POST https://here.example/webhooks/workspace\n":  {"--url", "https://here.example"},
	} {
		if got := i.run(t, append(args, flags...)...); got.Code != 0 || !strings.HasPrefix(got.Stdout, want) {
			t.Errorf("with %v: %+v, want %s", flags, got, want)
		}
	}
	i.url = ""
	if got := i.run(t, args...); !strings.HasPrefix(got.Stdout, "POST http://127.0.0.1:8080/webhooks/workspace\n") {
		t.Errorf("without either: %+v", got)
	}
}
