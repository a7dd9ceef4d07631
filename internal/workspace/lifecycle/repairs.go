package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

func newRepairs(r prometheus.Registerer) *prometheus.CounterVec {
	repairs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "workspace_flyte_repairs_total",
		Help: "Objects of workspaces that another client had changed or deleted, and that were made as desired again, by kind.",
	}, []string{"kind"})
	for _, o := range slices.Concat(k8s.Children(), k8s.Queues(), []client.Object{&corev1.Namespace{}, &corev1.Secret{}}) {
		repairs.WithLabelValues(k8s.Repair{Object: o}.Kind())
	}
	r.MustRegister(repairs)
	return repairs
}

// recordRepair counts and logs a repair, and records an Event of the Workspace, unless the spec changed: then the object is made as the
// new spec wants it.
func (c *Controller) recordRepair(ctx context.Context, r k8s.Repair) {
	var w v1alpha1.Workspace
	key := client.ObjectKey{Name: k8s.WorkspaceOf(r.Object)}
	if c.client.Get(ctx, key, &w) != nil || w.Status.ObservedGeneration != w.Generation {
		return
	}
	c.repairs.WithLabelValues(r.Kind()).Inc()
	log.FromContext(ctx).Info("repaired an object", "object", r.String(), "deleted", r.Deleted, "fields", r.Fields, "changedBy", r.By)
	c.Events.Eventf(&w, r.Object, corev1.EventTypeNormal, v1alpha1.EventRepaired, "Repair", "%s", repairMessage(r))
}

func repairMessage(r k8s.Repair) string {
	if r.Deleted {
		return r.String() + " was deleted, and was created again"
	}
	by := "another client"
	if r.By != "" {
		by = r.By
	}
	return bounded(fmt.Sprintf("%s was changed by %s in %s, and was restored", r, by, strings.Join(r.Fields, ", ")))
}
