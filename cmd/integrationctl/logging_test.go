package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestCommand_ShowsWarningsOfTheAPIServer also shows that klog, to which client-go logs, reaches standard error.
func TestCommand_ShowsWarningsOfTheAPIServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Warning", `299 - "this version goes away"`)
		fmt.Fprint(w, `{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]}`)
	}))
	defer server.Close()
	text, err := program(t, "get", "workspaces", "--kubeconfig", "/dev/null", "--server", server.URL).CombinedOutput()
	if err != nil || !bytes.Contains(text, []byte("this version goes away")) || !bytes.HasSuffix(text, []byte("No workspaces found.\n")) {
		t.Errorf("it printed %q: %v", text, err)
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
