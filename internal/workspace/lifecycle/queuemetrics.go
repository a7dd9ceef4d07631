package lifecycle

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// queueCollector sums what Kueue reports of the workspaces' queues, from the caches, whenever metrics are scraped. Every replica reports
// the same. It reports nothing while Kueue is not installed.
type queueCollector struct {
	cached client.Reader
	queues *k8s.Optional
}

var (
	queuesMetric = prometheus.NewDesc("workspace_flyte_queues",
		"LocalQueues of workspaces, by the status of Kueue's condition Active (Unknown before Kueue reports it).", []string{"active"}, nil)
	queuedMetric = prometheus.NewDesc("workspace_flyte_queued_workloads",
		"Workloads in the LocalQueues of workspaces: pending ones wait, reserving ones have quota, admitted ones may run.",
		[]string{"state"}, nil)
	queueQuotaMetric = prometheus.NewDesc("workspace_flyte_queue_quota",
		"Nominal, used and borrowed quota of the workspaces' own ClusterQueues together, by resource, in cores, bytes or numbers.",
		[]string{"resource", "amount"}, nil)
)

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(out chan<- *prometheus.Desc) {
	out <- queuesMetric
	out <- queuedMetric
	out <- queueQuotaMetric
}

// Collect implements prometheus.Collector.
func (c *queueCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var local kueue.LocalQueueList
	var own kueue.ClusterQueueList
	if !c.queues.Served() || c.cached.List(ctx, &local, client.UnsafeDisableDeepCopy) != nil ||
		c.cached.List(ctx, &own, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	for status, n := range queuesByActive(local.Items) {
		out <- prometheus.MustNewConstMetric(queuesMetric, prometheus.GaugeValue, float64(n), string(status))
	}
	for state, n := range queuedWorkloads(local.Items) {
		out <- prometheus.MustNewConstMetric(queuedMetric, prometheus.GaugeValue, float64(n), state)
	}
	for key, amount := range queueQuotas(own.Items) {
		out <- prometheus.MustNewConstMetric(queueQuotaMetric, prometheus.GaugeValue, amount, key[0], key[1])
	}
}

// queuesByActive counts queues by the status of the condition Active.
func queuesByActive(local []kueue.LocalQueue) map[metav1.ConditionStatus]int {
	active := map[metav1.ConditionStatus]int{metav1.ConditionTrue: 0, metav1.ConditionFalse: 0, metav1.ConditionUnknown: 0}
	for i := range local {
		status := metav1.ConditionUnknown
		if condition := activeCondition(&local[i]); condition != nil {
			status = condition.Status
		}
		active[status]++
	}
	return active
}

// queuedWorkloads sums the workloads in queues by their state.
func queuedWorkloads(local []kueue.LocalQueue) map[string]int32 {
	workloads := map[string]int32{"pending": 0, "reserving": 0, "admitted": 0}
	for i := range local {
		s := &local[i].Status.QueueStatus
		workloads["pending"] += s.PendingWorkloads
		workloads["reserving"] += s.ReservingWorkloads
		workloads["admitted"] += s.AdmittedWorkloads
	}
	return workloads
}

// queueQuotas sums amounts by resource and kind of amount. Tiers name few resources.
func queueQuotas(own []kueue.ClusterQueue) map[[2]string]float64 {
	sums := map[[2]string]float64{}
	for i := range own {
		for _, group := range own[i].Spec.ResourceGroups {
			for _, flavor := range group.Flavors {
				for _, quota := range flavor.Resources {
					sums[[2]string{string(quota.Name), "nominal"}] += quota.NominalQuota.AsApproximateFloat64()
				}
			}
		}
		for _, flavor := range own[i].Status.FlavorsUsage {
			for _, usage := range flavor.Resources {
				sums[[2]string{string(usage.Name), "used"}] += usage.Total.AsApproximateFloat64()
				sums[[2]string{string(usage.Name), "borrowed"}] += usage.Borrowed.AsApproximateFloat64()
			}
		}
	}
	return sums
}
