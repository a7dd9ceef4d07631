package k8s

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// logServer is an API server that breaks the first stream of a pod's log, is away for two requests, and repeats a second's lines.
type logServer struct {
	t       *testing.T
	streams atomic.Int32
	gets    atomic.Int32
}

func (s *logServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/log") && s.streams.Add(1) == 1:
		fmt.Fprintln(w, "2026-11-29T10:00:00.000000001Z one")
		fmt.Fprintln(w, "2026-11-29T10:00:00.500000000Z two")
		must(s.t, http.NewResponseController(w).Flush())
		panic(http.ErrAbortHandler)
	case strings.HasSuffix(r.URL.Path, "/log"):
		if since := r.URL.Query().Get("sinceTime"); since != "2026-11-29T10:00:00Z" {
			s.t.Errorf("the log is asked for since %q", since)
		}
		fmt.Fprintln(w, "2026-11-29T10:00:00.000000001Z one")
		fmt.Fprintln(w, "2026-11-29T10:00:00.500000000Z two")
		fmt.Fprintln(w, "2026-11-29T10:00:00.500000001Z three")
	case s.gets.Add(1) <= 2:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		phase := corev1.PodRunning
		if s.streams.Load() > 1 {
			phase = corev1.PodSucceeded
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, Status: corev1.PodStatus{Phase: phase},
		})
	}
}

// TestLogs_FollowReconnects: every line comes once, whatever happens to the connection.
func TestLogs_FollowReconnects(t *testing.T) {
	server := httptest.NewServer(&logServer{t: t})
	defer server.Close()
	clientset, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	must(t, err)
	var out strings.Builder
	f := &follower{
		target: &Target{clientset: clientset, o: Options{Namespace: "platform-services"}}, out: &out,
		o: deploy.LogOptions{Follow: true, Tail: -1}, pause: time.Millisecond, streams: map[string]bool{},
	}
	f.copy(t.Context(), "integration-0", "")
	if got, want := out.String(), "one\ntwo\nthree\n"; got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}
