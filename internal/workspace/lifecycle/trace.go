package lifecycle

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/tracing"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// startSpan begins the span of a Reconcile. Until the workspace is Ready, the span belongs to the trace of the newest delivery, whose id
// each log line has then, too.
func startSpan(ctx context.Context, w *v1alpha1.Workspace) (context.Context, trace.Span) {
	const scope = "platform.company.com/workspace-flyte-integration/internal/workspace/lifecycle"
	ready := w.ReadyCondition()
	underWay := ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != w.Generation
	ctx, span := tracing.StartSpan(ctx, otel.Tracer(scope), "Reconcile", w, underWay)
	logger := log.FromContext(ctx)
	if underWay {
		if newest := workspace.Deliveries(w); len(newest) > 0 {
			logger = logger.WithValues("delivery", newest[0].ID)
		}
	}
	if span.SpanContext().IsValid() {
		logger = logger.WithValues("traceID", span.SpanContext().TraceID())
	}
	return log.IntoContext(ctx, logger), span
}
