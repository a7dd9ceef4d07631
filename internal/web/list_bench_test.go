package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// BenchmarkFirstPage_Of5000 asks the read API and the page for their first answers about 5,000 workspaces.
func BenchmarkFirstPage_Of5000(b *testing.B) {
	cached := &reader{}
	for i := range 5000 {
		cached.workspaces = append(cached.workspaces, ready(fmt.Sprintf("w%d", i), i, metav1.ConditionTrue, "Ready"))
	}
	api := web.NewReadAPI(web.Options{
		Cached: cached, Authorizer: web.Open{}, ChargeRead: func(*http.Request) error { return nil },
		ConsoleURL: func(string) string { return "https://flyte" },
	})
	page := web.NewPage(api, web.PageOptions{Components: func(context.Context) []web.Component { return nil }})
	e := webhook.NewRouter(slog.New(slog.DiscardHandler), api, page)
	for _, path := range []string{"/workspaces?sort=-created", "/", "/ui/workspaces?sort=-created"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, http.NoBody))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
