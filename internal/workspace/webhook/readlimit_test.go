package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// TestHandler_ChargesReadsApart: a reader exhausts neither the limit of another client, nor that of webhooks from its own address.
func TestHandler_ChargesReadsApart(t *testing.T) {
	o := options(t, newMemory())
	frozenClock(&o, nil)
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	registry := prometheus.NewRegistry()
	o.Metrics = registry
	h := webhook.NewHandler(o)
	charge := func(peer, forwarded string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/workspaces", http.NoBody)
		r.RemoteAddr = peer + ":4711"
		r.Header.Set("X-Forwarded-For", forwarded)
		return h.ChargeRead(r)
	}
	for i := range 100 {
		if err := charge("10.0.0.1", "192.0.2.1"); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if err := charge("10.0.0.1", "192.0.2.1"); err == nil || !strings.HasPrefix(err.Error(), "Too Many Requests") {
		t.Errorf("one more: %v", err)
	}
	if err := charge("10.0.0.1", "192.0.2.2"); err != nil {
		t.Errorf("another client of the proxy: %v", err)
	}
	counted := values(t, registry, "workspace_flyte_webhook_rate_limited_total")
	if diff := cmp.Diff(map[string]float64{"signed": 0, "unsigned": 0, "read": 1}, counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// TestHandler_LinksArePublic: with PUBLIC_URL, never made of the Host header.
func TestHandler_LinksArePublic(t *testing.T) {
	const link = "https://workspaces.company.com/base/workspaces/ws-001"
	e := newEdge(t, func(o *webhook.Options, _ *http.Server) { o.PublicURL = "https://workspaces.company.com/base" })
	fromElsewhere := func(r *http.Request) { r.Host = "evil.example" }
	if got := e.post(t, hooks, "msg_1", sample, fromElsewhere); !strings.Contains(got.Body, `"status_url":"`+link+`"`) {
		t.Errorf("the event: %s", got.Body)
	}
	e.store.controller = setsReady(metav1.ConditionFalse, v1alpha1.ReasonInvalid)
	got := e.post(t, provision, "msg_2", strings.Replace(wanted, "ws-001", "ws-002", 1), fromElsewhere)
	if want := strings.Replace(link, "ws-001", "ws-002", 1); got.Header["Location"] != want || !strings.Contains(got.Body, want) {
		t.Errorf("/provision: %q %s", got.Header["Location"], got.Body)
	}
}
