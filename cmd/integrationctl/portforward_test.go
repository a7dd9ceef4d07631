package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// newForwarder is an API server that knows one Deployment with one ready pod, and forwards ports to a server as a kubelet does.
func newForwarder(t *testing.T, to *httptest.Server) *httptest.Server {
	t.Helper()
	deployment := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		Spec:     appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "it"}}},
	}
	pods := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{
		{ObjectMeta: metav1.ObjectMeta{Name: "starting"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "it-0"}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue},
		}}},
	}}
	const inNamespace = "/namespaces/platform-services/"
	answers := map[string]any{
		"/apis/apps/v1" + inNamespace + "deployments/workspace-flyte-integration": deployment, "/api/v1" + inNamespace + "pods": pods,
		"/api":          &metav1.APIVersions{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIVersions"}, Versions: []string{"v1"}},
		"/apis":         groups(metav1.GroupVersionForDiscovery{GroupVersion: "apps/v1", Version: "v1"}),
		"/apis/apps/v1": resources("apps/v1", "deployments", "Deployment"), "/api/v1": resources("v1", "pods", "Pod"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1"+inNamespace+"pods/it-0/portforward" {
			forwardStreams(w, r, to.Listener.Addr().String())
			return
		}
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server
}

func groups(apps metav1.GroupVersionForDiscovery) *metav1.APIGroupList {
	return &metav1.APIGroupList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"},
		Groups:   []metav1.APIGroup{{Name: "apps", Versions: []metav1.GroupVersionForDiscovery{apps}, PreferredVersion: apps}},
	}
}

func resources(version, plural, kind string) *metav1.APIResourceList {
	return &metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: version,
		APIResources: []metav1.APIResource{{Name: plural, Kind: kind, Namespaced: true, Verbs: metav1.Verbs{"get", "list"}}},
	}
}

// forwardStreams connects each data stream with the server at an address. It knows SPDY only, as an older API server.
func forwardStreams(w http.ResponseWriter, r *http.Request, address string) {
	if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
		return
	}
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, replied <-chan struct{}) error {
		go func() {
			<-replied
			defer s.Close()
			if s.Headers().Get(corev1.StreamType) != corev1.StreamTypeData {
				return
			}
			backend, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", address)
			if err != nil {
				return
			}
			defer backend.Close()
			go func() { _, _ = io.Copy(backend, s) }()
			_, _ = io.Copy(s, backend)
		}()
		return nil
	})
	if connection != nil {
		<-connection.CloseChan()
	}
}

func TestDashboard_ForwardsUntilCtrlC(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") }))
	defer service.Close()
	api := newForwarder(t, service)
	c := program(t, "dashboard", "--port", "0", "--kubeconfig", "/dev/null", "--server", api.URL)
	var errOut strings.Builder
	c.Stderr = &errOut
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	url, err := lines.ReadString('\n')
	if err != nil {
		_ = c.Wait()
		t.Fatalf("it printed %q", errOut.String())
	}
	if body := get(t, strings.TrimSpace(url)); body != "the page" {
		t.Errorf("%s answers %q", url, body)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	_ = c.Wait() // its exit code is below
	if code := c.ProcessState.ExitCode(); code != exitInterrupted || len(rest) > 0 {
		t.Errorf("it ended with exit code %d and printed %q and %q", code, rest, errOut.String())
	}
	if !strings.HasPrefix(errOut.String(), "Forwarding to pod it-0 until Ctrl-C.") {
		t.Errorf("it printed %q", errOut.String())
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
