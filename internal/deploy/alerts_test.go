package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// Every expression is valid for Prometheus, and docs/operations.md explains its metrics and every alert.
func TestAlertsAndDashboard_AskForDocumentedMetrics(t *testing.T) {
	docs, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var alerts []struct{ Alert, Expr string }
	if err := yaml.Unmarshal(chartFile(t, "files/alerts.yaml"), &alerts); err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		if !strings.Contains(string(docs), "| `"+a.Alert+"` |") {
			t.Errorf("docs/operations.md doesn't say what to do about %s", a.Alert)
		}
		explained(t, string(docs), a.Expr)
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(chartFile(t, "files/dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			explained(t, string(docs), target.Expr)
		}
	}
	if len(alerts) == 0 || len(dashboard.Panels) == 0 {
		t.Errorf("there are %d alerts and %d panels", len(alerts), len(dashboard.Panels))
	}
}

var families = regexp.MustCompile(`^(controller_runtime|workqueue|rest_client)_`)

func explained(t *testing.T, docs, expression string) {
	t.Helper()
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		t.Errorf("%s: %v", expression, err)
		return
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		metric := strings.TrimSuffix(strings.TrimSuffix(selector.Name, "_bucket"), "_count")
		if !families.MatchString(metric) && !strings.Contains(docs, "| `"+metric+"`") && !strings.Contains(docs, "| `"+metric+"{") {
			t.Errorf("docs/operations.md doesn't explain %s", metric)
		}
		return nil
	})
}
