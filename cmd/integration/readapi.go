package main

import (
	"time"

	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// The values of API_AUTH.
const (
	apiAuthKubernetes = "kubernetes"
	apiAuthNone       = "none"
)

// readAPI limits its clients by the addresses that the handler of webhooks sees.
func (s *service) readAPI(handler *webhook.Handler) *web.ReadAPI {
	var authorizer web.Authorizer = web.NewTokenAuthorizer(web.KubernetesReviewer{Client: s.mgr.GetClient()}, time.Now)
	if s.cfg.APIAuth == apiAuthNone {
		s.log.Info("API_AUTH=none: everyone who reaches the service can read all workspaces and tiers")
		authorizer = web.Open{}
	}
	return web.NewReadAPI(web.Options{
		Cached: s.mgr.GetClient(), Live: s.mgr.GetAPIReader(), Authorizer: authorizer, ChargeRead: handler.ChargeRead,
		Naming: s.cfg.naming, ConsoleURL: s.consoleURL, DomainURLs: s.domainURLs, PublicURL: s.cfg.PublicURL,
	})
}
