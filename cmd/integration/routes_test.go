package main

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/apitest"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// TestRoutes_AreThoseOfTheOpenAPIDocument: nothing is served that is not described, and the reverse.
func TestRoutes_AreThoseOfTheOpenAPIDocument(t *testing.T) {
	var served []string
	read := web.NewReadAPI(web.Options{Authorizer: web.Open{}})
	all := routes(&webhook.Handler{}, read, web.NewPage(read, web.PageOptions{}), &webhook.Health{})
	router := webhook.NewRouter(slog.New(slog.DiscardHandler), all...)
	for _, route := range router.Router().Routes() {
		path := strings.Split(route.Path, "/")
		for i, segment := range path {
			if name, isParameter := strings.CutPrefix(segment, ":"); isParameter {
				path[i] = "{" + name + "}"
			}
		}
		served = append(served, route.Method+" "+strings.Join(path, "/"))
	}
	slices.Sort(served)
	if diff := cmp.Diff(described(t), served); diff != "" {
		t.Errorf("(-described +served):\n%s", diff)
	}
}

func described(t *testing.T) (routes []string) {
	t.Helper()
	for path, item := range apitest.Document(t).Paths.Map() {
		for method := range item.Operations() {
			routes = append(routes, method+" "+path)
		}
	}
	slices.Sort(routes)
	return routes
}
