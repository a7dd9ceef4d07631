package webhook_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// The limits of a client, and how many clients have limits of their own.
const (
	signedRate, signedBurst     = 1000, 2000
	unsignedRate, unsignedBurst = 20, 100
	maxClients                  = 8192
	ping                        = `{"type":"ping"}`
)

// rateLimited is the answer to a client without tokens.
func rateLimited(headers ...string) answer {
	return refused(http.StatusTooManyRequests, "too many requests come from this address", append(headers, "Retry-After", "1")...)
}

// crowd asks an edge from many addresses, at a time of its own.
type crowd struct {
	*testing.T

	handler  *echo.Echo
	registry *prometheus.Registry
	store    *memory
	signed   http.Header
	elapsed  atomic.Int64
}

func newCrowd(t *testing.T, trusted ...string) *crowd {
	t.Helper()
	c := &crowd{T: t, registry: prometheus.NewRegistry(), store: newMemory(), signed: sign(t, secret, "msg_1", now, ping)}
	c.signed.Set("Content-Type", "application/json")
	o := options(t, c.store)
	o.Metrics, o.Now = c.registry, func() time.Time { return now.Add(time.Duration(c.elapsed.Load())) }
	for _, cidr := range trusted {
		o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(cidr))
	}
	c.handler = webhook.NewRouter(slog.New(slog.DiscardHandler), webhook.NewHandler(o))
	return c
}

func (c *crowd) advance(d time.Duration) { c.elapsed.Add(int64(d)) }

// status sends one request, signed or not, and returns the status of its answer.
func (c *crowd) status(peer string, isSigned bool, forwarded ...string) int {
	return c.answer(peer, isSigned, forwarded...).Code
}

func (c *crowd) answer(peer string, isSigned bool, forwarded ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(c.Context(), http.MethodPost, hooks, strings.NewReader(ping))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(peer), 4711).String()
	if isSigned {
		r.Header = c.signed.Clone()
	}
	for _, value := range forwarded {
		r.Header.Add("X-Forwarded-For", value)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// exhaust sends requests until one is refused, and returns how many were served.
func (c *crowd) exhaust(peer string, isSigned bool, forwarded ...string) (served int) {
	for c.status(peer, isSigned, forwarded...) != http.StatusTooManyRequests {
		served++
	}
	return served
}

func TestHandler_LimitsSignedAndUnsignedApart(t *testing.T) {
	c := newCrowd(t)
	got := []int{c.exhaust("192.0.2.1", false), c.exhaust("192.0.2.1", true), c.exhaust("192.0.2.2", true)}
	if diff := cmp.Diff([]int{unsignedBurst, signedBurst, signedBurst}, got); diff != "" {
		t.Errorf("served at once (-want +got):\n%s", diff)
	}
	c.advance(time.Second)
	got = []int{c.exhaust("192.0.2.1", false), c.exhaust("192.0.2.1", true)}
	if diff := cmp.Diff([]int{unsignedRate, signedRate}, got); diff != "" {
		t.Errorf("served a second later (-want +got):\n%s", diff)
	}
}

func TestHandler_AnswersAnExhaustedLimit(t *testing.T) {
	c := newCrowd(t)
	c.exhaust("192.0.2.1", false)
	c.exhaust("192.0.2.1", true)
	if diff := cmp.Diff(rateLimited("Connection", "close"), answerOf(t, c.answer("192.0.2.1", true).Result())); diff != "" {
		t.Errorf("signed (-want +got):\n%s", diff)
	}
	unsigned := answerOf(t, c.answer("192.0.2.1", false).Result())
	if diff := cmp.Diff(rateLimited("Connection", "close"), unsigned); diff != "" {
		t.Errorf("unsigned (-want +got):\n%s", diff)
	}
	counted := values(t, c.registry, "workspace_flyte_webhook_rate_limited_total")
	if diff := cmp.Diff(map[string]float64{"signed": 3, "unsigned": 1, "read": 0}, counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// TestHandler_IdentifiesClients: all requests of one client share its limits.
func TestHandler_IdentifiesClients(t *testing.T) {
	const proxy = "10.0.0.1"
	tests := map[string]struct {
		peer      string
		forwarded []string
		other     string
		more      []string
		one       bool
	}{
		"a proxy that is not trusted":                {"192.0.2.1", []string{"198.51.100.1"}, "192.0.2.1", []string{"198.51.100.2"}, true},
		"two peers that say the same":                {"192.0.2.1", []string{"198.51.100.1"}, "192.0.2.2", []string{"198.51.100.1"}, false},
		"two clients of a proxy":                     {proxy, []string{"198.51.100.1"}, proxy, []string{"198.51.100.2"}, false},
		"a client of two proxies":                    {proxy, []string{"198.51.100.1"}, "10.9.9.9", []string{"198.51.100.1"}, true},
		"a proxy behind another":                     {proxy, []string{"198.51.100.1, 10.1.1.1"}, "10.1.1.1", []string{"198.51.100.1"}, true},
		"what the client claims itself":              {proxy, []string{"203.0.113.1, 192.0.2.7"}, proxy, []string{"203.0.113.2,192.0.2.7"}, true},
		"a header for each hop":                      {proxy, []string{"203.0.113.1", "198.51.100.1"}, proxy, []string{"198.51.100.1"}, true},
		"the client as a peer itself":                {proxy, []string{"198.51.100.1"}, "198.51.100.1", nil, true},
		"nonsense, which nobody trusted wrote":       {proxy, []string{"198.51.100.1, unknown"}, proxy, nil, true},
		"only proxies":                               {proxy, []string{"10.0.0.2"}, "10.0.0.2", nil, true},
		"with a port":                                {proxy, []string{"198.51.100.1:80"}, proxy, []string{"198.51.100.1:81"}, true},
		"IPv6 with a port":                           {proxy, []string{"[2001:db8::1]:80"}, proxy, []string{"[2001:db8::1]"}, true},
		"a /64":                                      {"2001:db8:0:1::1", nil, "2001:db8:0:1:ffff::2", nil, true},
		"two of them":                                {"2001:db8:0:1::1", nil, "2001:db8:0:2::1", nil, false},
		"a /64 behind a proxy":                       {proxy, []string{"2001:db8:0:1::1"}, proxy, []string{"2001:db8:0:1::2"}, true},
		"IPv4 as IPv6":                               {"::ffff:192.0.2.1", nil, "192.0.2.1", nil, true},
		"two of those":                               {"::ffff:192.0.2.1", nil, "::ffff:192.0.2.2", nil, false},
		"a trusted proxy as IPv6":                    {"::ffff:10.0.0.1", []string{"198.51.100.1"}, proxy, []string{"198.51.100.1"}, true},
		"with zones, as if they were other networks": {"fe80::1%eth0", nil, "fe80::2%eth1", nil, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, "10.0.0.0/8")
			c.exhaust(test.peer, false, test.forwarded...)
			if one := c.status(test.other, false, test.more...) == http.StatusTooManyRequests; one != test.one {
				t.Errorf("one source: %t, want %t", one, test.one)
			}
		})
	}
}

// TestHandler_BoundsTrackedClients: a client that rotates its addresses neither fills the memory nor blocks signing senders.
func TestHandler_BoundsTrackedClients(t *testing.T) {
	c := newCrowd(t)
	peer := func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff) }
	for i := range maxClients {
		if c.status(peer(i), false) != http.StatusUnauthorized {
			t.Fatalf("client %d is limited", i)
		}
	}
	var served int
	for i := range 1000 {
		if c.status(peer(maxClients+i), false) == http.StatusUnauthorized {
			served++
		}
	}
	if served != unsignedBurst {
		t.Errorf("%d requests of clients above the bound were served, want %d", served, unsignedBurst)
	}
	if c.status("192.0.2.1", true) != http.StatusOK || c.status(peer(0), true) != http.StatusOK {
		t.Error("signed requests are not served")
	}
	if c.status(peer(1), false) != http.StatusUnauthorized {
		t.Error("a tracked client is limited with the others")
	}
	c.advance(5 * time.Second)
	c.status(peer(0), false)
	c.advance(5 * time.Second)
	if got := c.exhaust("192.0.2.9", false); got != unsignedBurst || c.status("192.0.2.8", false) != http.StatusUnauthorized {
		t.Errorf("after idleTTL, a new client can send %d requests", got)
	}
}

// frozenClock stops the clock of the rate limits, so that no tokens are added during a test.
func frozenClock(o *webhook.Options, _ *http.Server) { o.Now = func() time.Time { return now } }

// TestHandler_ChargesUnsignedRequests: a body that is too large proves nothing.
func TestHandler_ChargesUnsignedRequests(t *testing.T) {
	e := newEdge(t, frozenClock)
	large := "POST /provision HTTP/1.1\r\nHost: integration\r\nContent-Length: 10485760\r\n\r\n"
	for range unsignedBurst {
		if got := e.raw(t, large).Status; got != http.StatusRequestEntityTooLarge {
			t.Fatalf("answered %d", got)
		}
	}
	if diff := cmp.Diff(rateLimited("Connection", "close"), e.raw(t, large)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", sample)); diff != "" {
		t.Errorf("signed (-want +got):\n%s", diff)
	}
}

// values returns the values of a metric by its one label.
func values(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			found[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return found
}
