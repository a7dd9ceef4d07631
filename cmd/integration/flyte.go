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

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// probeInterval is how often Flyte is asked whether it is there.
const probeInterval = 10 * time.Second

// flyteProbe knows what answers as Flyte, for /health and the log. It is safe for concurrent use.
type flyteProbe struct {
	client *flyte.Client
	log    logr.Logger
	// domains are those of FLYTE_DOMAINS.
	domains  []string
	interval time.Duration
	// onReturn is called when Flyte answers again after it did not: it may have become another.
	onReturn func()
	// description is what answered last; empty before anything has.
	description atomic.Value
}

// check asks Flyte what it is, and logs what is new. It fails where Flyte, or its database, does not answer.
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

// missingDomains are those of the configured that Flyte does not have. Nothing is missing of a Flyte that does not tell its domains.
func missingDomains(configured, found []string) string {
	if len(found) == 0 {
		return ""
	}
	missing := slices.DeleteFunc(slices.Clone(configured), func(domain string) bool { return slices.Contains(found, domain) })
	return strings.Join(missing, ", ")
}

// found describes what answered last, empty before anything did.
func (p *flyteProbe) found() string {
	description, _ := p.description.Load().(string)
	return description
}

// watch probes until ctx ends, so that the log tells what was found, or why nothing was, and that it came back.
func (p *flyteProbe) watch(ctx context.Context) error {
	for failed := ""; ; {
		err := p.check(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to end
		case err != nil && err.Error() != failed:
			p.log.Error(err, "looking for Flyte")
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
		OwnerLabel: v1alpha1.LabelWorkspace,
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

// attributeDomains are none with Flyte 2, which has no matchable attributes.
func (c *config) attributeDomains() []string {
	if c.flyteAPI() == flyte.V2 {
		return nil
	}
	return c.FlyteDomains
}

func (c *config) flyteAPI() flyte.API { return flyte.API(c.FlyteAPIVersion) }

// flyteServer is what the status of a Workspace says of the Flyte that its project is registered in.
func (c *config) flyteServer() v1alpha1.FlyteServer {
	return v1alpha1.FlyteServer{Endpoint: c.FlyteAdminEndpoint, APIVersion: c.FlyteAPIVersion}
}
