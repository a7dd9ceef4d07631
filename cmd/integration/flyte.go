package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// probeInterval is how often Flyte is probed.
const probeInterval = 10 * time.Second

// flyteProbe knows which Flyte answers, for /health and the log. It is safe for concurrent use.
type flyteProbe struct {
	client *flyte.Client
	log    logr.Logger
	// domains are those of FLYTE_DOMAINS.
	domains  []string
	interval time.Duration
	// onReturn is called when Flyte answers again after a failure: it may be another Flyte.
	onReturn func()
	// description is of the Flyte that answered last; empty before the first answer.
	description atomic.Value
	// up says that the last probe found it.
	up atomic.Bool
}

// check probes Flyte, and logs a change of its version or domains. It fails if Flyte or its database does not answer.
func (p *flyteProbe) check(ctx context.Context) error {
	found, err := p.client.Probe(ctx)
	if err != nil {
		return err
	}
	description := found.Version
	missing := missingDomains(p.domains, found.Domains)
	if missing != "" {
		description += ", without " + missing + " of FLYTE_DOMAINS"
	}
	if p.description.Swap(description) == description {
		return nil
	}
	p.log.Info("found Flyte", "version", found.Version, "domains", found.Domains)
	if missing != "" {
		p.log.Error(errDomains, "comparing FLYTE_DOMAINS with Flyte", "missing", missing, "domains", found.Domains)
	}
	return nil
}

var errDomains = errors.New("FLYTE_DOMAINS names domains that Flyte does not have")

// missingDomains are the configured domains that Flyte does not have; none if Flyte does not list its domains.
func missingDomains(configured, found []string) string {
	if len(found) == 0 {
		return ""
	}
	missing := slices.DeleteFunc(slices.Clone(configured), func(domain string) bool { return slices.Contains(found, domain) })
	return strings.Join(missing, ", ")
}

// lastFound describes the Flyte that answered last; empty before the first answer.
func (p *flyteProbe) lastFound() string {
	description, _ := p.description.Load().(string)
	return description
}

// watch probes until ctx ends, and logs which Flyte was found, each new failure, and its end.
func (p *flyteProbe) watch(ctx context.Context) error {
	for failed := ""; ; {
		err := p.check(ctx)
		p.up.Store(err == nil)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the process is stopping
		case err != nil && err.Error() != failed:
			p.log.Error(err, "probing Flyte")
			failed = err.Error()
		case err == nil && failed != "":
			p.log.Info("Flyte answers again")
			failed = ""
			p.onReturn()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(p.interval):
		}
	}
}

func (s *service) addFlyte(context.Context) error {
	client, err := flyte.New(flyte.Options{
		Endpoint: s.cfg.FlyteAdminEndpoint, API: s.cfg.flyteAPI(), TLS: s.cfg.flyteTLS(), Credentials: s.cfg.flyteCredentials(),
		OwnerLabel: v1alpha1.LabelWorkspace, Metrics: metrics.Registry, DialOptions: s.flyteOptions,
	})
	if err != nil {
		return err
	}
	s.flyte = &flyteProbe{
		client: client, log: s.log, domains: s.cfg.FlyteDomains, interval: probeInterval,
		onReturn: func() { s.controller.ListProjectsSoon() },
	}
	return s.mgr.Add(manager.RunnableFunc(s.flyte.watch))
}

// attributeDomains are empty with Flyte 2, which has no matchable attributes.
func (c *config) attributeDomains() []string {
	if c.flyteAPI() == flyte.V2 {
		return nil
	}
	return c.FlyteDomains
}

func (c *config) flyteAPI() flyte.API { return flyte.API(c.FlyteAPIVersion) }

// flyteServer identifies the Flyte in the status of a Workspace whose project is registered there.
func (c *config) flyteServer() v1alpha1.FlyteServer {
	return v1alpha1.FlyteServer{Endpoint: c.FlyteAdminEndpoint, APIVersion: c.FlyteAPIVersion}
}
