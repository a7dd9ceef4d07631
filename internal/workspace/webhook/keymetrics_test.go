package webhook_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// During a rotation you see which keys each replica holds, and which of them the sender uses.
func TestHandler_CountsRequestsByKey(t *testing.T) {
	old, both, renewed := keysOf(secret), keysOf(secret+" "+otherSecret), keysOf(otherSecret)
	first, second := both.Fingerprints()[0], both.Fingerprints()[1]
	held := old
	e := newEdge(t, func(o *webhook.Options, _ *http.Server) {
		o.Verifier = signature.NewVerifier(func() *signature.Keys { return held }, 5*time.Minute, func() time.Time { return now })
	})
	signedBy := func(secret, id string) func(*http.Request) {
		return func(r *http.Request) {
			maps.Copy(r.Header, sign(t, secret, id, now, ping))
		}
	}
	steps := []struct {
		held     *signature.Keys
		signing  string
		status   int
		verified map[string]float64
	}{
		{old, secret, http.StatusOK, map[string]float64{first: 1}},
		{old, otherSecret, http.StatusUnauthorized, map[string]float64{first: 1}},
		{both, otherSecret, http.StatusOK, map[string]float64{first: 1, second: 1}},
		{both, secret, http.StatusOK, map[string]float64{first: 2, second: 1}},
		{renewed, otherSecret, http.StatusOK, map[string]float64{second: 2}},
		{renewed, secret, http.StatusUnauthorized, map[string]float64{second: 2}},
	}
	for i, step := range steps {
		held = step.held
		if got := e.post(t, hooks, "msg_1", ping, signedBy(step.signing, "msg_1")); got.Status != step.status {
			t.Errorf("step %d: answered %d", i, got.Status)
		}
		if diff := cmp.Diff(step.verified, values(t, e.registry, "workspace_flyte_webhook_verified_total")); diff != "" {
			t.Errorf("step %d, verified (-want +got):\n%s", i, diff)
		}
		want := map[string]float64{}
		for _, fingerprint := range held.Fingerprints() {
			want[fingerprint] = 1
		}
		if diff := cmp.Diff(want, values(t, e.registry, "workspace_flyte_webhook_keys")); diff != "" {
			t.Errorf("step %d, held (-want +got):\n%s", i, diff)
		}
	}
}
