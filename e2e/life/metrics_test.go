package life

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// Metrics of the workspace service exist only with one.
var ofWorkspaceService = regexp.MustCompile(`^workspace_flyte_(report|resync|unlisted)`)

// TestMetrics_AreDocumented compares what the service exports with docs/operations.md, and checks the names as promtool does.
func TestMetrics_AreDocumented(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	withKueue(t)
	env.Create(t, harness.Data("measured", 1))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env.Service.Metrics, http.NoBody)
	harness.Must(t, err)
	response, err := http.DefaultClient.Do(request)
	harness.Must(t, err)
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	harness.Must(t, err)
	maps.DeleteFunc(families, func(name string, _ *dto.MetricFamily) bool { return !strings.HasPrefix(name, "workspace_flyte_") })
	exported := slices.Sorted(maps.Keys(families))

	text, err := os.ReadFile("../../docs/operations.md")
	harness.Must(t, err)
	var documented []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(workspace_flyte_[a-z_]+)").FindAllStringSubmatch(string(text), -1) {
		if !ofWorkspaceService.MatchString(match[1]) {
			documented = append(documented, match[1])
		}
	}
	slices.Sort(documented)
	for _, name := range exported {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(exported, name) {
			t.Errorf("the service does not export %s", name)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(slices.Collect(maps.Values(families))).Lint()
	harness.Must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
