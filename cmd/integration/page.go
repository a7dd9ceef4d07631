package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"platform.company.com/workspace-flyte-integration/internal/rollout"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// page is the web page of what the read API reads.
func (s *service) page(api *web.ReadAPI, health *webhook.Health) (*web.Page, error) {
	ofService, err := s.rollout()
	if err != nil {
		return nil, err
	}
	return web.NewPage(api, web.PageOptions{
		Cluster:    s.cfg.ClusterName,
		Components: func(ctx context.Context) []web.Component { return s.components(ctx, health) },
		Network: web.Network{
			FlyteNamespace: s.cfg.FlyteNamespace, FlytePorts: s.cfg.FlytePorts, ExceptCIDRs: s.cfg.EgressExceptCIDRs,
		},
		Rollout: ofService,
	}), nil
}

// rollout reads the Deployment of the service. The rights to it come with the chart's page.rollout, for the service's own namespace.
func (s *service) rollout() (*web.Rollout, error) {
	if s.cfg.PageRollout == "" {
		return nil, nil
	}
	pods, codecs := corev1.SchemeGroupVersion.WithKind("Pod"), serializer.NewCodecFactory(s.mgr.GetScheme())
	core, err := apiutil.RESTClientForGVK(pods, false, false, s.mgr.GetConfig(), codecs, s.mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client for pods: %w", err)
	}
	reader := &rollout.Reader{
		Client: s.mgr.GetAPIReader(), Core: core, Key: client.ObjectKey{Namespace: s.cfg.PodNamespace, Name: s.cfg.PageRollout},
	}
	return &web.Rollout{Namespace: s.cfg.PodNamespace, Read: reader.Read}, nil
}

// components are what the service depends on, and the leader.
func (s *service) components(ctx context.Context, health *webhook.Health) []web.Component {
	failing, err := health.Unhealthy(ctx)
	if err != nil {
		failing = nil // the client has gone
	}
	check := func(name, reason, good string) web.Component {
		if slices.Contains(failing, reason) {
			return web.Component{Name: name, Detail: reason, Health: web.HealthBad}
		}
		return web.Component{Name: name, Detail: good, Health: web.HealthGood}
	}
	return []web.Component{
		s.markSlow(check("Kubernetes API", webhook.ReasonAPIServerUnreachable, "answers")),
		check("Flyte", webhook.ReasonFlyteUnreachable, s.flyteDetail()),
		s.workspaceServiceComponent(),
		s.leaderComponent(),
		check("Controller", webhook.ReasonControllerNotProgressing, "makes progress"),
	}
}

func (s *service) flyteDetail() string {
	if found := s.flyte.lastFound(); found != "" {
		return found + " at " + s.cfg.FlyteAdminEndpoint
	}
	return s.cfg.FlyteAdminEndpoint
}

// slowAnswer is from when on an answer of the API server to a probe counts as slow.
const slowAnswer = 500 * time.Millisecond

// markSlow says so if the API server answers, but slowly.
func (s *service) markSlow(apiServer web.Component) web.Component {
	took := time.Duration(s.apiServerTook.Load())
	if apiServer.Health == web.HealthGood && took >= slowAnswer {
		apiServer.Detail, apiServer.Health = "answers slowly, in "+took.Round(100*time.Millisecond).String(), web.HealthBad
	}
	return apiServer
}

func (s *service) workspaceServiceComponent() web.Component {
	component := web.Component{Name: "Workspace service", Detail: "accepts reports", Health: web.HealthGood}
	switch {
	case s.reporter == nil:
		component.Detail, component.Health = "not configured: nothing is reported", web.HealthOff
	case !s.lease.Leads():
		component.Detail, component.Health = "the leader reports; its page shows how", web.HealthOff
	case s.reporter.Paused():
		component.Detail, component.Health = "fails; reports wait, none is lost", web.HealthBad
	}
	return component
}

func (s *service) leaderComponent() web.Component {
	leader := s.lease.Leader()
	if leader == "" {
		return web.Component{Name: "Leader", Detail: "none yet: nothing is reconciled", Health: web.HealthBad}
	}
	detail := leader
	if s.lease.Leads() {
		detail += ", this replica"
	}
	return web.Component{Name: "Leader", Detail: detail, Health: web.HealthGood}
}
