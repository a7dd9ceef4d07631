package workspaceservice

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// ClientOptions say how the workspace service is reached.
type ClientOptions struct {
	// Endpoint is its base URL: https, or http on loopback (see [netguard.ParseEndpoint]).
	Endpoint *url.URL
	// Signer signs every request, that for the listing over an empty body.
	Signer func() *signature.Signer
	// Token, if there is one, goes with every request as a bearer token.
	Token func() string
	// TLS holds the roots to trust and, for mTLS, the client's certificate.
	TLS *tls.Config
	// UserAgent names the service and its version.
	UserAgent string
}

// Client talks to the workspace service. It follows no redirect and no proxy, dials no metadata address, and reads no
// more of an answer than its bounds allow. Its errors hold neither secrets nor anything of an answer's body.
type Client struct {
	ClientOptions
	http *http.Client
}

// NewClient makes a Client. It opens no connection.
func NewClient(o ClientOptions) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: netguard.DialControl(o.Endpoint.Hostname())}
	return &Client{ClientOptions: o, http: &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: o.TLS, TLSHandshakeTimeout: handshakeTimeout,
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
			MaxIdleConnsPerHost: workers, MaxConnsPerHost: 2 * workers, IdleConnTimeout: idleTimeout,
		},
		// What is signed is for the endpoint, and for no other address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// RefusedError is an answer that no retry can change.
type RefusedError struct {
	// Status is the HTTP status: 4xx, but not 408, 425 or 429.
	Status int
}

func (e *RefusedError) Error() string {
	return "the workspace service answered " + statusText(e.Status)
}

// UnavailableError is an answer after which the request has to be sent again.
type UnavailableError struct {
	Status int
	// RetryAfter is how long the workspace service wants to be left in peace, at most an hour; 0 if it does not say.
	RetryAfter time.Duration
}

func (e *UnavailableError) Error() string {
	return "the workspace service answered " + statusText(e.Status)
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
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

// do sends a signed request. The answer is a 2xx, or else an error; its body must be closed.
func (c *Client) do(ctx context.Context, method string, target *url.URL, id string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = c.Signer().Sign(id, time.Now(), body)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.UserAgent)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Token != nil {
		request.Header.Set("Authorization", "Bearer "+c.Token())
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if err := verdict(answer); err != nil {
		_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
		_ = answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// verdict is nil of a 2xx. A redirect is nobody's answer: it may pass, as a 5xx may.
func verdict(answer *http.Response) error {
	status := answer.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case status < 400 || status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests:
		return &UnavailableError{Status: status, RetryAfter: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	return &RefusedError{Status: status}
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
