package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

// minResync is the shortest RESYNC_INTERVAL.
const minResync = time.Second

// checkWorkspaceAPI never repeats a value: a variable may hold a secret by mistake.
func (c *config) checkWorkspaceAPI(found problems) {
	if c.WorkspaceAPIEndpoint == "" {
		checkUnused(found, "WORKSPACE_API_ENDPOINT", map[string]string{
			"WORKSPACE_API_SECRET": c.WorkspaceAPISecret, "WORKSPACE_API_SECRET_FILE": c.WorkspaceAPISecretFile,
			"WORKSPACE_API_TOKEN_FILE": c.WorkspaceAPITokenFile, "WORKSPACE_API_CA_CERT": c.WorkspaceAPICACert,
			"WORKSPACE_API_CLIENT_CERT": c.WorkspaceAPIClientCert, "WORKSPACE_API_CLIENT_KEY": c.WorkspaceAPIClientKey,
		})
		return
	}
	var err error
	if c.workspaceAPI, err = netguard.ParseEndpoint(c.WorkspaceAPIEndpoint); err != nil {
		found.add("WORKSPACE_API_ENDPOINT", "%s", err)
	}
	checkSecret(found, "WORKSPACE_API_SECRET", c.WorkspaceAPISecret, c.WorkspaceAPISecretFile, func() error {
		_, err := loadSecret(c.WorkspaceAPISecret, c.WorkspaceAPISecretFile, c.parseSigner)
		return err
	})
	c.checkWorkspaceAPITLS(found)
	c.checkWorkspaceAPIToken(found)
	checkAtLeast(found, "RESYNC_INTERVAL", c.ResyncInterval, minResync)
}

func (c *config) checkWorkspaceAPITLS(found problems) {
	var err error
	if c.workspaceAPICAs, err = loadCA(c.WorkspaceAPICACert); err != nil {
		found.add("WORKSPACE_API_CA_CERT", "%s", err)
	}
	checkClientPair(found, "WORKSPACE_API_CLIENT", c.WorkspaceAPIClientCert, c.WorkspaceAPIClientKey)
}

func (c *config) checkWorkspaceAPIToken(found problems) {
	if c.WorkspaceAPITokenFile == "" {
		return
	}
	if _, err := loadSecret("", c.WorkspaceAPITokenFile, parseToken); err != nil {
		found.add("WORKSPACE_API_TOKEN_FILE", "%s", errToken)
	}
}

// workspaceAPIToken returns a function for the current token; nil without a file.
func (c *config) workspaceAPIToken(onReload func(error)) (func() string, error) {
	if c.WorkspaceAPITokenFile == "" {
		return nil, nil
	}
	return watchSecret("", c.WorkspaceAPITokenFile, parseToken, onReload)
}

// workspaceAPIPair reads the client certificate for each new connection: a renewed one needs no restart.
func (c *config) workspaceAPIPair(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := loadClientPair(c.WorkspaceAPIClientCert, c.WorkspaceAPIClientKey)
	return &pair, err
}

func (s *service) workspaceAPI() (*workspaceservice.Client, error) {
	onReload := s.logReload("WORKSPACE_API_SECRET_FILE")
	signer, err := watchSecret(s.cfg.WorkspaceAPISecret, s.cfg.WorkspaceAPISecretFile, s.cfg.parseSigner, onReload)
	if err != nil {
		return nil, fmt.Errorf("reading the secrets of the workspace service: %w", err)
	}
	token, err := s.cfg.workspaceAPIToken(s.logReload("WORKSPACE_API_TOKEN_FILE"))
	if err != nil {
		return nil, fmt.Errorf("reading WORKSPACE_API_TOKEN_FILE: %w", err)
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.cfg.workspaceAPICAs}
	if s.cfg.WorkspaceAPIClientCert != "" {
		tlsConfig.GetClientCertificate = s.cfg.workspaceAPIPair
	}
	return workspaceservice.NewClient(workspaceservice.ClientOptions{
		Endpoint: s.cfg.workspaceAPI, Signer: signer, Token: token, TLS: tlsConfig, UserAgent: name + "/" + version,
	}), nil
}

// addReports does nothing without WORKSPACE_API_ENDPOINT.
func (s *service) addReports(context.Context) error {
	if s.cfg.WorkspaceAPIEndpoint == "" {
		return nil
	}
	api, err := s.workspaceAPI()
	if err != nil {
		return err
	}
	s.reporter = workspaceservice.NewReporter(workspaceservice.Options{
		Client: api, Cached: s.mgr.GetClient(), Live: s.mgr.GetAPIReader(), Leadership: s.lease,
		Events: s.mgr.GetEventRecorder(name), Metrics: metrics.Registry,
	})
	s.resync = workspaceservice.NewResync(workspaceservice.ResyncOptions{
		Client: api, Cached: s.mgr.GetClient(), Live: s.mgr.GetAPIReader(), Store: s.store, Validator: s.validator,
		Interval: s.cfg.ResyncInterval, OnComplete: s.reporter.RetryRefused, Metrics: metrics.Registry,
	})
	return s.reporter.Setup(s.mgr)
}
