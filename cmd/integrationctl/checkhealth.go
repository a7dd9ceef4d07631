package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const healthTimeout = 10 * time.Second

// health is the answer of the service's /health.
type health struct {
	Status  string
	Reasons []string
	Version string
	Flyte   string

	ahead time.Duration
}

// reach asks the service for its health, at --url or through a port-forward.
func (d *doctor) reach(e *examination) func(context.Context) []finding {
	return func(ctx context.Context) []finding {
		ctx, cancel := context.WithTimeout(ctx, healthTimeout)
		defer cancel()
		base := strings.TrimRight(d.url, "/")
		if base == "" {
			to, err := d.cluster.forward(ctx, e.kube, d.settings, 0)
			if err != nil {
				e.reached = err
				return nil
			}
			defer to.close()
			base = to.url
		}
		e.health, e.reached = askHealth(ctx, base)
		return nil
	}
}

func askHealth(ctx context.Context, base string) (*health, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/health", nil)
	if err != nil {
		return nil, usagef("--url must be a URL such as https://integration.company.com, not %q", base)
	}
	// The certificate is for the name of the Service, and the port-forward has authenticated the pod.
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: isForwarded(base), MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
	}}
	defer client.CloseIdleConnections()
	sent := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the service for its health: %w", err)
	}
	defer answer.Body.Close()
	var h health
	if err := json.NewDecoder(http.MaxBytesReader(nil, answer.Body, maxAnswer)).Decode(&h); err != nil {
		return nil, fmt.Errorf("%s/health answered %s, not as the service does", base, answer.Status)
	}
	h.ahead = ahead(answer, sent, time.Now())
	return &h, nil
}

func isForwarded(base string) bool { return strings.HasPrefix(base, "https://"+loopback+":") }

func (e *examination) checkHealth(context.Context) []finding {
	const check = "health"
	if e.health == nil {
		return []finding{warned(check, "the service was not reached: "+e.reached.Error(),
			"give its address with --url, or the right to forward ports to its pods")}
	}
	findings := clockFinding("service's clock", "the service", e.health.ahead)
	if e.health.Status != "healthy" {
		return append(findings, failed(check, strings.Join(e.health.Reasons, ", "), "docs/operations.md#health-and-failover"))
	}
	if version != "dev" && e.health.Version != version {
		return append(findings, warned(check, fmt.Sprintf("the service has version %s, this program %s", e.health.Version, version),
			"use the program of the service's version: its remedies and fields are those of the service"))
	}
	return append(findings, passed(check, "healthy, version %s", e.health.Version))
}
