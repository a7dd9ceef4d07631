package webhook

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// keyMetrics exposes which keys this replica accepts, and how many requests each of them has verified. It has series for the
// keys in force and for no others: at most signature.MaxKeys of each.
type keyMetrics struct {
	inForce           func() []string
	accepted, matched *prometheus.Desc

	mu       sync.Mutex
	verified map[string]float64 // by fingerprint
}

// newKeyMetrics exposes the keys whose fingerprints inForce returns.
func newKeyMetrics(inForce func() []string) *keyMetrics {
	labels := []string{"fingerprint"}
	return &keyMetrics{
		inForce: inForce, verified: map[string]float64{},
		accepted: prometheus.NewDesc("workspace_flyte_webhook_keys",
			"Always 1: the webhook keys that this replica accepts, by fingerprint.", labels, nil),
		matched: prometheus.NewDesc("workspace_flyte_webhook_verified_total",
			"Requests whose signature was verified, by the fingerprint of the key.", labels, nil),
	}
}

// count counts a request that the key of this fingerprint has verified.
func (k *keyMetrics) count(fingerprint string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.verified[fingerprint]++
}

// Describe implements prometheus.Collector.
func (k *keyMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- k.accepted
	to <- k.matched
}

// Collect implements prometheus.Collector. It drops the counts of keys that are not in force any more.
func (k *keyMetrics) Collect(to chan<- prometheus.Metric) {
	inForce := k.inForce()
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := make(map[string]float64, len(inForce))
	for _, fingerprint := range inForce {
		if _, repeated := kept[fingerprint]; repeated {
			continue
		}
		kept[fingerprint] = k.verified[fingerprint]
		to <- prometheus.MustNewConstMetric(k.accepted, prometheus.GaugeValue, 1, fingerprint)
		to <- prometheus.MustNewConstMetric(k.matched, prometheus.CounterValue, kept[fingerprint], fingerprint)
	}
	k.verified = kept
}
