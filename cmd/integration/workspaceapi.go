package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/secretfile"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

// minResync is what a workspace service can be asked for.
const minResync = time.Second

// checkWorkspaceAPI never repeats what it reads: a variable may hold a secret by mistake.
func (c *config) checkWorkspaceAPI(found problems) {
	if c.WorkspaceAPIEndpoint == "" {
		c.checkNoWorkspaceAPI(found)
		return
	}
	var err error
	if c.workspaceAPI, err = netguard.ParseEndpoint(c.WorkspaceAPIEndpoint); err != nil {
		found.add("WORKSPACE_API_ENDPOINT", "%s", err)
	}
	c.checkWorkspaceAPISecret(found)
	c.checkWorkspaceAPITLS(found)
	if _, err := c.workspaceAPIToken(func(error) {}); err != nil {
		found.add("WORKSPACE_API_TOKEN_FILE", "must be a file with one token: letters, digits and -._~+/=")
	}
	checkAtLeast(found, "RESYNC_INTERVAL", c.ResyncInterval, minResync)
}

// checkNoWorkspaceAPI names what would be ignored.
func (c *config) checkNoWorkspaceAPI(found problems) {
	for name, value := range map[string]string{
		"WORKSPACE_API_SECRET": c.WorkspaceAPISecret, "WORKSPACE_API_SECRET_FILE": c.WorkspaceAPISecretFile,
		"WORKSPACE_API_TOKEN_FILE": c.WorkspaceAPITokenFile, "WORKSPACE_API_CA_CERT": c.WorkspaceAPICACert,
		"WORKSPACE_API_CLIENT_CERT": c.WorkspaceAPIClientCert, "WORKSPACE_API_CLIENT_KEY": c.WorkspaceAPIClientKey,
	} {
		if value != "" {
			found.add(name, "is of no use without WORKSPACE_API_ENDPOINT")
		}
	}
}

func (c *config) checkWorkspaceAPISecret(found problems) {
	switch {
	case c.WorkspaceAPISecret == "" && c.WorkspaceAPISecretFile == "":
		found.add("WORKSPACE_API_SECRET", "is required, or WORKSPACE_API_SECRET_FILE")
	case c.WorkspaceAPISecret != "" && c.WorkspaceAPISecretFile != "":
		found.add("WORKSPACE_API_SECRET", "must not be set together with WORKSPACE_API_SECRET_FILE")
	case looksSecret(c.WorkspaceAPISecretFile): // the reader's errors repeat the path
		found.add("WORKSPACE_API_SECRET_FILE", "must be a file's path, not a secret itself")
	default:
		name := "WORKSPACE_API_SECRET"
		if c.WorkspaceAPISecretFile != "" {
			name += "_FILE"
		}
		if _, err := c.workspaceAPISigner(c.inbound, func(error) {}); err != nil {
			found.add(name, "%s", err)
		}
	}
}

func (c *config) checkWorkspaceAPITLS(found problems) {
	if c.WorkspaceAPICACert != "" {
		text, err := pemText(c.WorkspaceAPICACert)()
		c.workspaceAPICAs = x509.NewCertPool()
		if err != nil || !c.workspaceAPICAs.AppendCertsFromPEM(text) {
			found.add("WORKSPACE_API_CA_CERT", "must be certificates as PEM text, or a file with them that can be read")
		}
	}
	checkClientPair(found, "WORKSPACE_API_CLIENT", c.WorkspaceAPIClientCert, c.WorkspaceAPIClientKey)
}

// inbound are the webhook keys as they are now, or none if they can't be read.
func (c *config) inbound() *signature.Keys {
	if c.WebhookSecretFile == "" || looksSecret(c.WebhookSecretFile) {
		return c.keys
	}
	file, err := secretfile.Watch(c.WebhookSecretFile, signature.ParseKeys, func(error) {})
	if err != nil {
		return nil
	}
	return file.Current()
}

// outbound are the keys of what is sent to the workspace service as they are now, or none if there are none that can be read.
func (c *config) outbound() *signature.Keys {
	if c.WorkspaceAPISecretFile == "" {
		signer, err := signature.NewSigner(c.WorkspaceAPISecret)
		if err != nil {
			return nil
		}
		return signer.Keys()
	}
	file, err := secretfile.Watch(c.WorkspaceAPISecretFile, signature.NewSigner, func(error) {})
	if err != nil {
		return nil
	}
	return file.Current().Keys()
}

// workspaceAPISigner gives the current signer: of the file, re-read when it changes, or of the variable. None of its
// secrets may be one that webhooks are signed with: each direction could forge the other.
func (c *config) workspaceAPISigner(inbound func() *signature.Keys, tell func(error)) (func() *signature.Signer, error) {
	parse := func(text string) (*signature.Signer, error) {
		signer, err := signature.NewSigner(text)
		if err == nil && signer.Keys().Overlaps(inbound()) {
			return nil, errors.New("shares a secret with the webhooks' secrets: the two directions need secrets of their own")
		}
		return signer, err
	}
	if c.WorkspaceAPISecretFile == "" {
		signer, err := parse(c.WorkspaceAPISecret)
		return func() *signature.Signer { return signer }, err
	}
	file, err := secretfile.Watch(c.WorkspaceAPISecretFile, parse, tell)
	if err != nil {
		return nil, err
	}
	return file.Current, nil
}

// bearer is the syntax of a token (RFC 6750, section 2.1).
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// workspaceAPIToken gives the current token of the file, or nil where none is configured.
func (c *config) workspaceAPIToken(tell func(error)) (func() string, error) {
	if c.WorkspaceAPITokenFile == "" {
		return nil, nil
	}
	file, err := secretfile.Watch(c.WorkspaceAPITokenFile, func(text string) (string, error) {
		token := strings.TrimSpace(text)
		if !bearer.MatchString(token) {
			return "", errors.New("holds no bearer token")
		}
		return token, nil
	}, tell)
	if err != nil {
		return nil, err
	}
	return file.Current, nil
}

// workspaceAPIPair reads the client's certificate for each new connection: a renewed one needs no restart.
func (c *config) workspaceAPIPair(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := loadClientPair(c.WorkspaceAPIClientCert, c.WorkspaceAPIClientKey)
	return &pair, err
}

func (s *service) workspaceAPI() (*workspaceservice.Client, error) {
	signer, err := s.cfg.workspaceAPISigner(s.cfg.inbound, s.reportFile("the secrets of the workspace service"))
	if err != nil {
		return nil, fmt.Errorf("reading the secrets of the workspace service: %w", err)
	}
	token, err := s.cfg.workspaceAPIToken(s.reportFile("the token for the workspace service"))
	if err != nil {
		return nil, fmt.Errorf("reading WORKSPACE_API_TOKEN_FILE: %w", err)
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.cfg.workspaceAPICAs}
	if s.cfg.WorkspaceAPIClientCert != "" {
		secure.GetClientCertificate = s.cfg.workspaceAPIPair
	}
	return workspaceservice.NewClient(workspaceservice.ClientOptions{
		Endpoint: s.cfg.workspaceAPI, Signer: signer, Token: token, TLS: secure, UserAgent: name + "/" + version,
	}), nil
}

// addReports does nothing without a workspace service to talk to.
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
