package life

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// collector is an OpenTelemetry collector that keeps the spans which the service exports.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer

	address string
	server  *grpc.Server
	mu      sync.Mutex
	spans   []*tracepb.Span
}

func startCollector() (*collector, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{address: listener.Addr().String(), server: grpc.NewServer()}
	collectorpb.RegisterTraceServiceServer(c.server, c)
	go func() { _ = c.server.Serve(listener) }()
	return c, nil
}

// Export implements the collector's service.
func (c *collector) Export(_ context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		for _, in := range of.GetScopeSpans() {
			c.spans = append(c.spans, in.GetSpans()...)
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// env makes the service export to the collector, soon after each span.
func (c *collector) env() map[string]string {
	return map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + c.address, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_BSP_SCHEDULE_DELAY": "100",
	}
}

// trace returns the spans of a trace by their ids.
func (c *collector) trace(id string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		if hex.EncodeToString(s.GetTraceId()) == id {
			spans[hex.EncodeToString(s.GetSpanId())] = s
		}
	}
	return spans
}

// linking returns the ids of the other traces whose Reconcile links to a trace.
func (c *collector) linking(to string) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		for _, l := range s.GetLinks() {
			if s.GetName() == "Reconcile" && hex.EncodeToString(l.GetTraceId()) == to {
				ids = append(ids, hex.EncodeToString(s.GetTraceId()))
			}
		}
	}
	return ids
}

// senders is the span of the sender that TestTraceTellsTheStoryOfADelivery continues.
const (
	sendersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	sendersSpan  = "00f067aa0ba902b7"
)

// A trace tells the story of one delivery, from the sender to Ready. What happens later is a trace of its own, which links to it.
func TestTraceTellsTheStoryOfADelivery(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	m := harness.NewMessage(t, workspace.EventCreated, harness.Data("traced", 1))
	m.Header = http.Header{"Traceparent": {"00-" + sendersTrace + "-" + sendersSpan + "-01"}, "Baggage": {"secret=hunter2"}}
	env.Deliver(t, m)
	env.AwaitReason(t, "traced", v1alpha1.ReasonReady)

	story := []string{
		"POST workspaces", "Reconcile", "Reconcile > POST namespaces", "Reconcile > POST resourcequotas", "Reconcile > POST networkpolicies",
		"Reconcile > POST rolebindings", "Reconcile > flyteidl.service.AdminService/RegisterProject", "Reconcile > PATCH workspaces/status",
	}
	const edge = sendersSpan + " > POST /webhooks/workspace > store.Record > "
	var paths []string
	err := harness.Poll(t.Context(), func(context.Context) bool {
		paths = spans.paths(sendersTrace)
		missing := slices.ContainsFunc(story, func(path string) bool { return !slices.Contains(paths, edge+path) })
		astray := slices.ContainsFunc(paths, func(path string) bool {
			return !strings.HasPrefix(path, strings.TrimSuffix(edge, " > store.Record > "))
		})
		return !missing && !astray // the parent of a span may be exported later
	})
	if err != nil {
		t.Fatalf("the trace is\n%s", strings.Join(paths, "\n"))
	}

	quota := &corev1.ResourceQuota{}
	quota.Name, quota.Namespace = "workspace-quota", "flyte-traced"
	if err := env.Admin.Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the trace of a repair that links to the delivery's", func(context.Context) bool {
		return slices.ContainsFunc(spans.linking(sendersTrace), func(id string) bool {
			return slices.Contains(spanNames(spans.trace(id)), "POST resourcequotas")
		})
	})
}

func spanNames(spans map[string]*tracepb.Span) (names []string) {
	for _, s := range spans {
		names = append(names, s.GetName())
	}
	return names
}

// paths are the ways from the sender to each span of a trace.
func (c *collector) paths(id string) (paths []string) {
	all := c.trace(id)
	for _, s := range all {
		paths = append(paths, pathTo(all, s))
	}
	return paths
}

// pathTo names the spans from the first parent that is not of the service to a span.
func pathTo(all map[string]*tracepb.Span, s *tracepb.Span) string {
	parent := hex.EncodeToString(s.GetParentSpanId())
	if above, ok := all[parent]; ok {
		return pathTo(all, above) + " > " + s.GetName()
	}
	return parent + " > " + s.GetName()
}
