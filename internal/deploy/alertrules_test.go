package deploy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
	"sigs.k8s.io/yaml"
)

// scenario are series in the notation of promtool's rule tests, one value each minute, and the labels of what fires after the last.
type scenario struct {
	series []string
	fires  []string
}

// scenarios has, for each alert, one in which it fires and one in which it must not.
var scenarios = map[string][2]scenario{
	"WorkspaceFlyteAbsent": {
		{series: []string{`other 1x20`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_build_info{version="v1"} 1x20`}},
	},
	"WorkspaceFlyteNotProgressing": {
		{series: []string{`workqueue_longest_running_processor_seconds{name="workspace"} 240+60x20`}, fires: []string{`{}`}},
		{series: []string{`workqueue_longest_running_processor_seconds{name="report"} 900x20`}},
	},
	"WorkspaceFlyteNotStoring": {
		{series: []string{`workspace_flyte_webhook_deliveries_total{event="none",outcome="503"} 0+1x30`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_webhook_deliveries_total{event="none",outcome="401"} 0+9x30`}},
	},
	"WorkspaceFlyteAPIServerSlow": {
		{series: []string{
			`workspace_flyte_build_info{job="ours",instance="a"} 1x30`,
			`rest_client_request_duration_seconds_bucket{job="ours",instance="a",verb="POST",le="1"} 0+8x30`,
			`rest_client_request_duration_seconds_bucket{job="ours",instance="a",verb="POST",le="2"} 0+10x30`,
			`rest_client_request_duration_seconds_bucket{job="ours",instance="a",verb="POST",le="+Inf"} 0+10x30`,
		}, fires: []string{`{}`}},
		{series: []string{ // slow for another program
			`workspace_flyte_build_info{job="ours",instance="a"} 1x30`,
			`rest_client_request_duration_seconds_bucket{job="ours",instance="a",verb="POST",le="1"} 0+10x30`,
			`rest_client_request_duration_seconds_bucket{job="ours",instance="a",verb="POST",le="+Inf"} 0+10x30`,
			`rest_client_request_duration_seconds_bucket{job="other",instance="a",verb="POST",le="1"} 0x30`,
			`rest_client_request_duration_seconds_bucket{job="other",instance="a",verb="POST",le="+Inf"} 0+90x30`,
		}},
	},
	"WorkspaceFlyteNoLeader": {
		{series: []string{`workspace_flyte_leader{instance="a"} 1 0x9`, `workspace_flyte_leader{instance="b"} 0x10`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_leader{instance="a"} 1 1 0x8`, `workspace_flyte_leader{instance="b"} 0 0 1x8`}},
	},
	"WorkspaceFlyteFlyteDown": {
		{series: []string{`workspace_flyte_flyte_up{instance="a"} 1 0x9`, `workspace_flyte_flyte_up{instance="b"} 0x10`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_flyte_up{instance="a"} 0x10`, `workspace_flyte_flyte_up{instance="b"} 1x10`}},
	},
	"WorkspaceFlyteNotReady": {
		{series: []string{
			`workspace_flyte_oldest_not_ready_seconds{reason="TierNotFound",instance="a"} 0+60x20`,
			`workspace_flyte_oldest_not_ready_seconds{reason="FlyteUnavailable",instance="a"} 30x20`,
		}, fires: []string{`{reason="TierNotFound"}`}},
		{series: []string{`workspace_flyte_oldest_not_ready_seconds{reason="AwaitingContent"} 9000x20`}},
	},
	"WorkspaceFlyteSignaturesRefused": {
		{series: []string{`workspace_flyte_webhook_signature_refusals_total{reason="mismatch"} 0+5x30`}, fires: []string{`{reason="mismatch"}`}},
		{series: []string{`workspace_flyte_webhook_signature_refusals_total{reason="mismatch"} 0+1x30`}},
	},
	"WorkspaceFlyteNearMaximum": {
		{series: []string{
			`workspace_flyte_workspaces{instance="a",state="Active",ready="True",reason="Ready"} 8200x20`,
			`workspace_flyte_workspaces{instance="a",state="Active",ready="False",reason="Conflict"} 1x20`,
			`workspace_flyte_max_workspaces{instance="a"} 9000x20`,
		}, fires: []string{`{}`}},
		{series: []string{ // each replica counts all
			`workspace_flyte_workspaces{instance="a",state="Active",ready="True",reason="Ready"} 5000x20`,
			`workspace_flyte_workspaces{instance="b",state="Active",ready="True",reason="Ready"} 5000x20`,
			`workspace_flyte_max_workspaces{instance="a"} 9000x20`,
		}},
	},
	"WorkspaceFlyteKeysDiffer": {
		{series: []string{
			`workspace_flyte_webhook_keys{namespace="n",job="j",pod="a",fingerprint="x"} 1x20`,
			`workspace_flyte_build_info{namespace="n",job="j",pod="a"} 1x20`, `workspace_flyte_build_info{namespace="n",job="j",pod="b"} 1x20`,
		}, fires: []string{`{fingerprint="x", job="j", namespace="n"}`}},
		{series: []string{
			`workspace_flyte_webhook_keys{namespace="n",job="j",pod="a",fingerprint="x"} 1x20`,
			`workspace_flyte_build_info{namespace="n",job="j",pod="a"} 1x20`,
		}},
	},
	"WorkspaceFlyteVersionReused": {
		{series: []string{
			`workspace_flyte_webhook_version_conflicts_total{register="state"} 0x10 1x10`,
			`workspace_flyte_resync_differences_total{difference="conflict"} 0x20`,
		}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_webhook_version_conflicts_total{register="state"} 3x90`}},
	},
	"WorkspaceFlyteReconcileErrors": {
		{series: []string{`controller_runtime_reconcile_errors_total{controller="workspace"} 0+1x60`}, fires: []string{`{}`}},
		{series: []string{`controller_runtime_reconcile_errors_total{controller="workspace"} 0 1x60`}},
	},
	"WorkspaceFlyteContested": {
		{series: []string{`workspace_flyte_contested_writes_total 0+1x60`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_contested_writes_total 5x60`}},
	},
	"WorkspaceFlyteDeletionsPaused": {
		{series: []string{`workspace_flyte_deletions{phase="paused"} 3`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_deletions{phase="grace"} 3`}},
	},
	"WorkspaceFlytePurgeStuck": {
		{series: []string{`workspace_flyte_deletions{phase="stuck"} 1x20`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_deletions{phase="stuck"} 0x10 1x5`}},
	},
	"WorkspaceFlyteOrphanNamespaces": {
		{series: []string{`workspace_flyte_orphan_namespaces 2x90`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_orphan_namespaces 0x60 2x30`}},
	},
	"WorkspaceFlyteReportCircuitOpen": {
		{series: []string{`workspace_flyte_report_circuit_open{instance="a"} 1x20`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_report_circuit_open{instance="a"} 1x10 0x10`}},
	},
	"WorkspaceFlyteReportsRefused": {
		{series: []string{`workspace_flyte_reports_total{outcome="refused"} 0x10 1x10`}, fires: []string{`{}`}},
		{series: []string{`workspace_flyte_reports_total{outcome="failed"} 0+1x20`}},
	},
	"WorkspaceFlyteResyncFails": {
		{series: []string{
			`workspace_flyte_resyncs_total{outcome="failed"} 0+1x150`, `workspace_flyte_resyncs_total{outcome="complete"} 4x150`,
		}, fires: []string{`{}`}},
		{series: []string{
			`workspace_flyte_resyncs_total{outcome="failed"} 0+1x150`, `workspace_flyte_resyncs_total{outcome="complete"} 0+1x150`,
		}},
	},
}

// TestAlerts_Fire evaluates each alert with Prometheus' own engine.
func TestAlerts_Fire(t *testing.T) {
	var alerts []struct {
		Alert, Expr string
		For         model.Duration
	}
	if err := yaml.Unmarshal(chartFile(t, "files/alerts.yaml"), &alerts); err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		cases, known := scenarios[a.Alert]
		if !known || len(cases[0].fires) == 0 || len(cases[1].fires) > 0 {
			t.Errorf("%s needs a scenario in which it fires and one in which it does not", a.Alert)
		}
		for _, c := range cases {
			if got := fires(t, a.Expr, time.Duration(a.For), c.series); !slices.Equal(got, c.fires) {
				t.Errorf("%s: after %q it fires for %q, want %q", a.Alert, c.series, got, c.fires)
			}
		}
	}
	if len(alerts) != len(scenarios) {
		t.Errorf("there are %d alerts and scenarios of %d", len(alerts), len(scenarios))
	}
}

// fires are the labels for which the expression was true at every minute of the last duration.
func fires(t *testing.T, expression string, duration time.Duration, series []string) (all []string) {
	t.Helper()
	stored, end := load(t, series)
	held := map[string]int{}
	minutes := int(duration / time.Minute)
	for minute := range minutes + 1 {
		for _, labels := range evaluate(t, expression, stored, end.Add(-time.Duration(minute)*time.Minute)) {
			held[labels]++
		}
	}
	for labels, n := range held {
		if n == minutes+1 {
			all = append(all, labels)
		}
	}
	slices.Sort(all)
	return all
}

func evaluate(t *testing.T, expression string, stored storage.Queryable, at time.Time) (results []string) {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 10_000, Timeout: time.Minute, LookbackDelta: time.Minute})
	query, err := engine.NewInstantQuery(t.Context(), stored, nil, expression, at)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	for _, sample := range vector {
		results = append(results, sample.Metric.String())
	}
	return results
}

// load parses series whose values are a minute apart, and returns the time of the last value.
func load(t *testing.T, series []string) (stored storage.Queryable, end time.Time) {
	t.Helper()
	start := time.Unix(0, 0)
	var all []storage.Series
	for _, text := range series {
		metric, values, err := parser.ParseSeriesDesc(text)
		if err != nil {
			t.Fatal(err)
		}
		chunk := chunkenc.NewXORChunk()
		appender, err := chunk.Appender()
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			at := start.Add(time.Duration(i) * time.Minute)
			appender.Append(at.UnixMilli(), value.Value)
			if at.After(end) {
				end = at
			}
		}
		all = append(all, &storage.SeriesEntry{Lset: metric, SampleIteratorFn: chunk.Iterator})
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			return &seriesSet{selected(all, matchers), -1}
		},
	}}, end
}

func selected(all []storage.Series, matchers []*labels.Matcher) []storage.Series {
	return slices.DeleteFunc(slices.Clone(all), func(s storage.Series) bool {
		return slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) })
	})
}

// seriesSet implements storage.SeriesSet.
type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool { s.at++; return s.at < len(s.series) }

func (s *seriesSet) At() storage.Series { return s.series[s.at] }

func (*seriesSet) Err() error { return nil }

func (*seriesSet) Warnings() annotations.Annotations { return nil }
