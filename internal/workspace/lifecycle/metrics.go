package lifecycle

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// scrapeTimeout is how long a scrape waits for caches that have not synced.
const scrapeTimeout = time.Second

// workspaceCollector counts workspaces, deletions and orphan namespaces in the caches whenever metrics are scraped. Every replica
// reports the same.
type workspaceCollector struct {
	cached  client.Reader
	naming  *workspace.Naming
	maximum int // of workspaces
	now     func() time.Time
}

var (
	workspacesMetric = prometheus.NewDesc("workspace_flyte_workspaces",
		"Workspaces, by state, and by status (Unknown before the first Reconcile) and reason of Ready.",
		[]string{"state", "ready", "reason"}, nil)
	maximumMetric = prometheus.NewDesc("workspace_flyte_max_workspaces",
		"How many workspaces MAX_WORKSPACES allows.", nil, nil)
	oldestNotReadyMetric = prometheus.NewDesc("workspace_flyte_oldest_not_ready_seconds",
		"Longest time in seconds for which a workspace has not been Ready, by its current reason.", []string{"reason"}, nil)
	deletionsMetric = prometheus.NewDesc("workspace_flyte_deletions",
		"Deleted workspaces, by phase of the deletion.", []string{"phase"}, nil)
	oldestPurgeMetric = prometheus.NewDesc("workspace_flyte_oldest_purge_seconds",
		"Seconds since the oldest unfinished purge began; 0 without one.", nil, nil)
	orphansMetric = prometheus.NewDesc("workspace_flyte_orphan_namespaces",
		"Namespaces that carry our label and belong to no Workspace. They are never deleted.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *workspaceCollector) Describe(out chan<- *prometheus.Desc) {
	out <- workspacesMetric
	out <- maximumMetric
	out <- oldestNotReadyMetric
	out <- deletionsMetric
	out <- oldestPurgeMetric
	out <- orphansMetric
}

// Collect implements prometheus.Collector. Without synced caches it reports nothing, since a zero would be wrong.
func (c *workspaceCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var all v1alpha1.WorkspaceList
	var namespaces corev1.NamespaceList
	if c.cached.List(ctx, &all, client.UnsafeDisableDeepCopy) != nil ||
		c.cached.List(ctx, &namespaces, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	known, counted, deleted := make(map[string]bool, len(all.Items)), counts{}, newDeletions()
	for i := range all.Items {
		w := &all.Items[i]
		known[w.Name] = true
		counted.add(w, c.now())
		deleted.add(w, c.now())
	}
	counted.collect(out)
	deleted.collect(out)
	out <- prometheus.MustNewConstMetric(maximumMetric, prometheus.GaugeValue, float64(c.maximum))
	out <- prometheus.MustNewConstMetric(orphansMetric, prometheus.GaugeValue, float64(c.orphans(namespaces.Items, known)))
}

func (c *workspaceCollector) orphans(namespaces []corev1.Namespace, known map[string]bool) (n int) {
	for i := range namespaces {
		id := k8s.WorkspaceOf(&namespaces[i])
		if !known[id] || !isNamedFor(c.naming, id, namespaces[i].Name) {
			n++
		}
	}
	return n
}
