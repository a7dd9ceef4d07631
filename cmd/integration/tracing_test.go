package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

var (
	noCollector = map[string]string{
		"collector:4317": "is not a URL such as http://collector.observability.svc:4318",
		"unix:///socket": "is not a URL such as http://collector.observability.svc:4318",
	}
	noProtocol = map[string]string{"http/json": "must be one of: grpc, http/protobuf"}
)

var otelVariables = []variable{
	{name: "OTEL_SDK_DISABLED", standard: false, good: "true", want: true, bad: map[string]string{"yes": "is not a true or false"}},
	{
		name: "OTEL_TRACES_EXPORTER", standard: "", good: "console", want: "console",
		bad: map[string]string{"zipkin": "must be one of: otlp, console, none"},
	},
	{name: "OTEL_EXPORTER_OTLP_ENDPOINT", standard: "", good: "https://collector:4317", want: "https://collector:4317", bad: noCollector},
	{name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", standard: "", good: "http://[::1]/v1", want: "http://[::1]/v1", bad: noCollector},
	{name: "OTEL_EXPORTER_OTLP_PROTOCOL", standard: "", good: "grpc", want: "grpc", bad: noProtocol},
	{name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", standard: "", good: "http/protobuf", want: "http/protobuf", bad: noProtocol},
	{name: "OTEL_TRACES_SAMPLER", standard: "", good: "traceidratio", want: "traceidratio", bad: map[string]string{
		"sometimes": "must be one of: always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, " +
			"parentbased_traceidratio",
	}},
}

func TestConfig_TracesOnlyWhereAnExporterIsNamed(t *testing.T) {
	e := newEnvironment(t)
	for name, tt := range map[string]struct {
		set  map[string]string
		want bool
	}{
		"nothing is set":     {nil, false},
		"a service name":     {map[string]string{"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on"}, false},
		"an exporter":        {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true},
		"an endpoint":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, true},
		"one for traces":     {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, true},
		"no exporter":        {map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, false},
		"the SDK is off":     {map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, false},
		"metrics elsewhere":  {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318"}, false},
		"an empty exporter":  {map[string]string{"OTEL_TRACES_EXPORTER": ""}, false},
		"an empty end point": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, wrong := e.load(tt.set)
			if cfg.tracing() != tt.want || wrong != nil {
				t.Errorf("traced: %v, problems: %q", cfg.tracing(), wrong)
			}
		})
	}
}

func TestRequestName(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/namespaces":                                                                     "GET namespaces",
		"/api/v1/namespaces/flyte-a":                                                             "GET namespaces",
		"/api/v1/namespaces/flyte-a/resourcequotas":                                              "GET resourcequotas",
		"/api/v1/namespaces/flyte-a/resourcequotas/workspace-quota":                              "GET resourcequotas",
		"/apis/platform.company.com/v1alpha1/workspaces/a/status":                                "GET workspaces/status",
		"/clusters/x/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/workspace-isolation": "GET networkpolicies",
		"/version": "GET",
	} {
		if got := requestName("", httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
