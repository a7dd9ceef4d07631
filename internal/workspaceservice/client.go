package workspaceservice

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/tracing"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// ClientOptions say how to reach the workspace service.
type ClientOptions struct {
	// Endpoint is its base URL: https, or http on loopback (see [netguard.ParseEndpoint]).
	Endpoint *url.URL
	// Signer signs every request; for the listing, an empty body.
	Signer func() *signature.Signer
	// Token, if it is not nil, returns the bearer token of a request.
	Token func() string
	// TLS has the roots to trust and, for mTLS, the client certificate.
	TLS *tls.Config
	// UserAgent names the client and its version.
	UserAgent string
}

// Client sends requests to the workspace service. It follows no redirect, uses no proxy, dials no metadata address, and bounds
// what it reads of an answer. Its errors contain neither secrets nor any of an answer's body.
type Client struct {
	ClientOptions
	http *http.Client
}

// NewClient makes a Client. It opens no connection.
func NewClient(o ClientOptions) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: netguard.DialControl(o.Endpoint.Hostname())}
	return &Client{ClientOptions: o, http: &http.Client{
		Timeout: requestTimeout,
		Transport: otelhttp.NewTransport(&http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: o.TLS, TLSHandshakeTimeout: handshakeTimeout,
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
			MaxIdleConnsPerHost: workers, MaxConnsPerHost: 2 * workers, IdleConnTimeout: idleTimeout,
		}, otelhttp.WithFilter(tracing.IsTraced)),
		// A signed request is for the endpoint, and for no other address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status int
	// RetryAfter is how long the workspace service asks to wait, at most an hour; 0 if it does not say.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := "the workspace service answered " + strconv.Itoa(e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	return text
}

// refusal returns the answer that an error is if no retry can change it: 4xx, but not 408, 425 or 429. Otherwise it returns nil:
// a redirect may be temporary, as a 5xx may be.
func refusal(err error) *StatusError {
	answer, ok := errors.AsType[*StatusError](err)
	if !ok || answer.Status < 400 || answer.Status >= 500 {
		return nil
	}
	switch answer.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return nil
	}
	return answer
}

// askedToWait returns the Retry-After of an answer, or 0.
func askedToWait(err error) time.Duration {
	if answer, ok := errors.AsType[*StatusError](err); ok {
		return answer.RetryAfter
	}
	return 0
}

// post sends a report once.
func (c *Client) post(ctx context.Context, m message) error {
	target := c.Endpoint.JoinPath("workspaces", m.report.WorkspaceID, "integrations", "flyte")
	answer, err := c.do(ctx, http.MethodPost, target, m.id, m.body)
	if err != nil {
		return fmt.Errorf("reporting: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // the status is the answer
	return nil
}

// do sends a signed request. It returns a 2xx, whose body the caller must close, or an error.
func (c *Client) do(ctx context.Context, method string, target *url.URL, id string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = c.signedHeader(method, id, body)
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < 200 || answer.StatusCode >= 300 {
		_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
		_ = answer.Body.Close()
		return nil, &StatusError{answer.StatusCode, parseRetryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	return answer, nil
}

func (c *Client) signedHeader(method, id string, body []byte) http.Header {
	header := c.Signer().Sign(id, time.Now(), body)
	header.Set("Accept", "application/json")
	header.Set("User-Agent", c.UserAgent)
	if method == http.MethodPost {
		header.Set("Content-Type", "application/json")
	}
	if c.Token != nil {
		header.Set("Authorization", "Bearer "+c.Token())
	}
	return header
}

// parseRetryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func parseRetryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
