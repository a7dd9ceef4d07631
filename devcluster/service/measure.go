package service

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Measured are the metrics of a program by name.
type Measured map[string]*dto.MetricFamily

// Measure reads the service's metrics.
func (s *Service) Measure(ctx context.Context) (Measured, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Metrics, http.NoBody)
	if err != nil {
		return nil, err
	}
	r, err := Do(request)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	if r.Status != http.StatusOK {
		return nil, fmt.Errorf("reading the metrics: status %d", r.Status)
	}
	return ParseMetrics(r.Body)
}

// ParseMetrics parses metrics in Prometheus' text format.
func ParseMetrics(text string) (Measured, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	return families, nil
}

// Sum adds up the values of the metric's series that have all of these labels, given as name, value, name, value.
func (m Measured) Sum(name string, labels ...string) (sum float64) {
	for _, series := range m[name].GetMetric() {
		if hasLabels(series, labels) {
			sum += series.GetCounter().GetValue() + series.GetGauge().GetValue()
		}
	}
	return sum
}

func hasLabels(series *dto.Metric, wanted []string) bool {
	have := map[string]string{}
	for _, label := range series.GetLabel() {
		have[label.GetName()] = label.GetValue()
	}
	for i := 0; i+1 < len(wanted); i += 2 {
		if have[wanted[i]] != wanted[i+1] {
			return false
		}
	}
	return true
}
