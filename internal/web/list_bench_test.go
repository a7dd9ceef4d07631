package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// BenchmarkReadAPI_FirstPage lists 5,000 workspaces.
func BenchmarkReadAPI_FirstPage(b *testing.B) {
	cached := &reader{}
	for i := range 5000 {
		cached.workspaces = append(cached.workspaces, ready(fmt.Sprintf("w%d", i), i, metav1.ConditionTrue, "Ready"))
	}
	e := webhook.NewRouter(slog.New(slog.DiscardHandler), web.NewReadAPI(web.Options{
		Cached: cached, Authorizer: web.Open{}, ChargeRead: func(*http.Request) error { return nil },
		ConsoleURL: func(string) string { return "https://flyte" },
	}))
	for b.Loop() {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/workspaces?sort=-created", http.NoBody))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
