package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// examination is what the checks look at. What could not be read is nil.
type examination struct {
	installed  settingsFlags
	kube       client.Client
	api        *discovery.DiscoveryClient
	clock      *serverClock
	settings   settings
	workspaces []v1alpha1.Workspace
	tiers      []v1alpha1.WorkspaceTier
	health     *health
	reached    error // why health is nil
}

// slowAnswer is from when on an answer of the API server counts as slow.
const slowAnswer = 500 * time.Millisecond

// examine runs all checks. Without an API server there is only one.
func (d *doctor) examine(ctx context.Context) ([]finding, error) {
	e, err := newExamination(d.cluster, d.settings)
	if err != nil {
		return nil, err
	}
	first := e.checkAPIServer(ctx)
	if first.Outcome == outcomeFailed {
		return []finding{first}, nil
	}
	findings := []finding{first}
	for _, check := range []func(context.Context) []finding{
		e.checkClock, e.checkRights, e.checkCRDs, e.readAll, e.checkPolicies, e.checkTiers, e.checkDeployment, e.checkLeader,
		e.checkSecret, d.reach(e), e.checkHealth, e.checkFlyte, e.checkMapping, e.checkWorkspaceService, e.checkNetwork, e.checkWorkspaces,
	} {
		findings = append(findings, check(ctx)...)
	}
	return findings, ctx.Err()
}

func newExamination(k *cluster, installed settingsFlags) (*examination, error) {
	cfg, err := k.config()
	if err != nil {
		return nil, err
	}
	kube, err := k.client()
	if err != nil {
		return nil, err
	}
	e := &examination{installed: installed, kube: kube, clock: &serverClock{}}
	counted := rest.CopyConfig(cfg)
	counted.Wrap(e.clock.wrap)
	if e.api, err = discovery.NewDiscoveryClientForConfig(counted); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return e, nil
}

// readAll reads what several checks look at.
func (e *examination) readAll(ctx context.Context) (problems []finding) {
	var err error
	if e.settings, err = e.installed.read(ctx, e.kube); err != nil {
		problems = append(problems, failed("settings", err.Error(), "install the chart, or give its namespace and name with -n and --service"))
	}
	var workspaces v1alpha1.WorkspaceList
	if err := e.kube.List(ctx, &workspaces); err != nil {
		problems = append(problems, unreadable("workspaces", err))
	}
	e.workspaces = workspaces.Items
	var tiers v1alpha1.WorkspaceTierList
	if err := e.kube.List(ctx, &tiers); err != nil {
		problems = append(problems, unreadable("tiers", err))
	}
	e.tiers = tiers.Items
	return problems
}

func (e *examination) checkAPIServer(ctx context.Context) finding {
	if _, err := e.api.ServerVersionWithContext(ctx); err != nil { // with DNS, TLS and perhaps a program that fetches credentials
		return failed("API server", err.Error(), hintFor(err))
	}
	begin := time.Now()
	version, err := e.api.ServerVersionWithContext(ctx)
	if err != nil {
		return failed("API server", err.Error(), hintFor(err))
	}
	took := time.Since(begin)
	if took >= slowAnswer {
		return warned("API server", fmt.Sprintf("Kubernetes %s answers slowly, in %s", version.GitVersion, took.Round(100*time.Millisecond)),
			"check its load, etcd's disk and the way to it: webhooks and workspaces take longer, none is lost")
	}
	return passed("API server", "Kubernetes %s answers in %s", version.GitVersion, took.Round(time.Millisecond))
}

// serverClock remembers the difference between the API server's clock and ours.
type serverClock struct{ ahead time.Duration }

func (s *serverClock) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		sent := time.Now()
		answer, err := next.RoundTrip(r)
		if err == nil {
			s.ahead = ahead(answer, sent, time.Now())
		}
		return answer, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// ahead is how far the clock of a server is ahead of ours. The header Date has whole seconds, so less than that is 0.
func ahead(answer *http.Response, sent, received time.Time) time.Duration {
	date, err := http.ParseTime(answer.Header.Get("Date"))
	switch {
	case err != nil:
		return 0
	case date.After(received):
		return date.Sub(received)
	case date.Add(time.Second).Before(sent):
		return date.Add(time.Second).Sub(sent)
	}
	return 0
}

// maxAhead is a difference that a person should know of; a webhook with WEBHOOK_TOLERANCE is refused.
const maxAhead = 30 * time.Second

func (e *examination) checkClock(context.Context) []finding {
	return clockFinding("clock", "the API server", e.clock.ahead)
}

func clockFinding(check, whose string, ahead time.Duration) []finding {
	difference := "ahead of"
	if ahead < 0 {
		ahead, difference = -ahead, "behind"
	}
	if ahead < maxAhead {
		return []finding{passed(check, "%s and this machine differ by less than %s", whose, maxAhead)}
	}
	found := fmt.Sprintf("%s is %s %s this machine", whose, ahead.Round(time.Second), difference)
	return []finding{warned(check, found,
		"set the clocks by NTP: a webhook whose time is off by more than WEBHOOK_TOLERANCE is refused, as are tokens and certificates")}
}
