// Package flyte is a small declarative client of Flyte: the caller describes a project, and the client writes only what differs.
// Every call is idempotent and has a deadline. Every error is one of the five kinds in errors.go; callers never see a gRPC code.
//
// The client speaks flyteidl.service.AdminService of Flyte 1 (flyteidl v1.16) or flyteidl2.project.ProjectService of Flyte 2. A
// comment on a rule of Flyte's names the file of github.com/flyteorg/flyte that has the rule.
package flyte

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// DefaultCallTimeout is the deadline of a call unless Options set another.
const DefaultCallTimeout = 10 * time.Second

const (
	// maxResponseBytes is many times the size of one project. A decoded response may take a hundred times as much memory.
	maxResponseBytes = 256 << 10
	maxHeaderBytes   = 64 << 10

	// A server of grpc-go closes a connection that is pinged more often than every five minutes. Calls are shorter than that, so it
	// is TCP_USER_TIMEOUT that detects a dead peer: gRPC sets it to keepaliveTimeout if keepalive is on.
	keepaliveTime    = 6 * time.Minute
	keepaliveTimeout = 10 * time.Second

	// maxReconnectDelay replaces gRPC's maximum of two minutes, which would delay the recovery after an outage.
	maxReconnectDelay = 5 * time.Second

	// serviceConfig balances calls over the replicas of a headless Service and retries reads, unless many fail. Writes are not
	// retried: the caller repeats EnsureProject, which reads first.
	serviceConfig = `{
		"loadBalancingConfig": [{"round_robin": {}}],
		"methodConfig": [{
			"name": [
				{"service": "flyteidl.service.AdminService", "method": "GetProject"},
				{"service": "flyteidl.service.AdminService", "method": "GetProjectDomainAttributes"},
				{"service": "flyteidl.service.AdminService", "method": "ListProjects"},
				{"service": "flyteidl.service.AdminService", "method": "ListMatchableAttributes"},
				{"service": "flyteidl2.project.ProjectService", "method": "GetProject"},
				{"service": "flyteidl2.project.ProjectService", "method": "ListProjects"}
			],
			"retryPolicy": {
				"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
				"retryableStatusCodes": ["UNAVAILABLE"]
			}
		}],
		"retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
	}`
)

// Options configure a Client.
type Options struct {
	// Endpoint is the host:port of Flyte's gRPC API, or any gRPC target. Required.
	Endpoint string
	// API is the version that Endpoint speaks.
	API API
	// TLS encrypts the connection and verifies the server, if not nil.
	TLS *TLS
	// Credentials are exchanged for a token that is sent with every call, if not nil. They require TLS.
	Credentials *ClientCredentials
	// OwnerLabel is the key of the label that names the owner of a project. Required; every Project must carry it. The client changes
	// a project only if both values are equal.
	OwnerLabel string
	// CallTimeout is the deadline of each gRPC call, DefaultCallTimeout if zero. A shorter deadline of the caller wins.
	CallTimeout time.Duration
	// Metrics gets those of the calls, if not nil.
	Metrics prometheus.Registerer
	// DialOptions override the client's own.
	DialOptions []grpc.DialOption
}

// Client is one connection to Flyte. It is safe for concurrent use and reconnects by itself.
type Client struct {
	conn *grpc.ClientConn
	// active is the configured version of Flyte, alternative the other one.
	active, alternative server
	// attributes is nil for Flyte 2, which has no matchable attributes.
	attributes  attributeServer
	credentials *tlsCredentials // nil without TLS
	ownerLabel  string
	breaker     *gobreaker.CircuitBreaker[bool]
	// lastFailure is the last error that the breaker counted.
	lastFailure atomic.Pointer[error]
}

// New makes a client. It does not dial: an unreachable Flyte shows at the first call.
func New(o Options) (*Client, error) {
	if o.Endpoint == "" || o.OwnerLabel == "" {
		return nil, errors.New("making a Flyte client: endpoint and owner label are required")
	}
	c := &Client{ownerLabel: o.OwnerLabel, breaker: newBreaker()}
	if err := c.connect(o); err != nil {
		return nil, fmt.Errorf("making a Flyte client: %w", err)
	}
	return c, nil
}

func (c *Client) connect(o Options) (err error) {
	creds := insecure.NewCredentials()
	if o.TLS != nil {
		if c.credentials, err = newTLSCredentials(o.TLS); err != nil {
			return err
		}
		creds = c.credentials
	}
	interceptors := []grpc.UnaryClientInterceptor{withTimeout(cmp.Or(o.CallTimeout, DefaultCallTimeout))}
	var tokens *tokenSource
	if o.Credentials != nil {
		if o.TLS == nil {
			return errors.New("client credentials require TLS")
		}
		tokens = newTokenSource(*o.Credentials, o.TLS)
		interceptors = append(interceptors, tokens.interceptor())
	}
	if o.Metrics != nil {
		interceptors = append(interceptors, measureCalls(o.Metrics))
	}
	options := append(dialOptions(creds), grpc.WithChainUnaryInterceptor(interceptors...))
	if c.conn, err = grpc.NewClient(o.Endpoint, append(options, o.DialOptions...)...); err != nil {
		return err
	}
	if tokens != nil {
		tokens.discover = (&discovery{conn: c.conn, api: o.API, credentials: *o.Credentials}).discover
	}
	if err := c.selectAPI(o.API); err != nil {
		return errors.Join(err, c.conn.Close())
	}
	return nil
}

func dialOptions(creds credentials.TransportCredentials) []grpc.DialOption {
	retry := backoff.DefaultConfig
	retry.MaxDelay = maxReconnectDelay
	return []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithUserAgent("workspace-flyte-integration"),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: maxReconnectDelay}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithMaxHeaderListSize(maxHeaderBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponseBytes)),
	}
}

// withTimeout sets the deadline of every call.
func withTimeout(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return invoke(ctx, method, request, response, conn, options...)
	}
}

// Close closes the connection. Calls in flight and later ones fail.
func (c *Client) Close() error {
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("closing the connection to Flyte: %w", err)
	}
	return nil
}
