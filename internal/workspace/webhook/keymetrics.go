package webhook

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// keyMetrics exposes which keys this replica holds, and how many requests each has verified. It has series for the keys
// that are held now and for no others, so there are at most signature.MaxKeys of each.
type keyMetrics struct {
	held       func() []string
	keys, used *prometheus.Desc

	mu       sync.Mutex
	verified map[string]float64 // by fingerprint
}

// newKeyMetrics exposes the keys whose fingerprints held returns.
func newKeyMetrics(held func() []string) *keyMetrics {
	labels := []string{"fingerprint"}
	return &keyMetrics{
		held: held, verified: map[string]float64{},
		keys: prometheus.NewDesc("workspace_flyte_webhook_keys",
			"Always 1: the webhook keys that this replica accepts, by fingerprint.", labels, nil),
		used: prometheus.NewDesc("workspace_flyte_webhook_verified_total",
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
	to <- k.keys
	to <- k.used
}

// Collect implements prometheus.Collector. It forgets the counts of keys that are not held any more.
func (k *keyMetrics) Collect(to chan<- prometheus.Metric) {
	held := k.held()
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := make(map[string]float64, len(held))
	for _, fingerprint := range held {
		if _, twice := kept[fingerprint]; twice {
			continue
		}
		kept[fingerprint] = k.verified[fingerprint]
		to <- prometheus.MustNewConstMetric(k.keys, prometheus.GaugeValue, 1, fingerprint)
		to <- prometheus.MustNewConstMetric(k.used, prometheus.CounterValue, kept[fingerprint], fingerprint)
	}
	k.verified = kept
}
