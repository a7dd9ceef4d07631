// Package flyte puts Flyte behind one small declarative client: a caller says what project it wants, the client looks and
// writes only what differs. Every call can be repeated without harm, none outlives its deadline, and every error is one of four
// kinds (see errors.go), so that callers never see a gRPC code.
//
// It speaks flyteidl.service.AdminService of Flyte 1 (flyteidl v1.16) or flyteidl2.project.ProjectService of Flyte 2. Rules that
// come from Flyte name the file of github.com/flyteorg/flyte that sets them.
package flyte

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// DefaultCallTimeout is the deadline of one call when Options name none.
const DefaultCallTimeout = 10 * time.Second

const (
	// maxAnswerBytes is many times what one project takes: decoded, an answer may be a hundred times as large.
	maxAnswerBytes = 256 << 10
	maxHeaderBytes = 64 << 10

	// A server of grpc-go closes a connection that is pinged more often than every five minutes. Calls are shorter than that, so
	// what finds a dead peer is TCP_USER_TIMEOUT, which gRPC sets to the timeout wherever keepalive is on.
	keepaliveTime    = 6 * time.Minute
	keepaliveTimeout = 10 * time.Second

	// gRPC's own maximum is two minutes, too long to notice that Flyte is back.
	maxReconnectDelay = 5 * time.Second

	// One service name may stand for several replicas (a headless Service). Reads, which change nothing, are tried again at once;
	// not where many fail. A write is the caller's to repeat, after a look.
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

// Options say where Flyte is and how to tell our projects from those of others.
type Options struct {
	// Endpoint is the host:port of Flyte's gRPC, or any gRPC target. Required.
	Endpoint string
	// API is the version that Endpoint speaks.
	API API
	// TLS, if not nil, encrypts the channel and verifies the server.
	TLS *TLS
	// Credentials, if not nil, are exchanged for a token that goes with every call. Only with TLS.
	Credentials *ClientCredentials
	// OwnerLabel is the label key that marks a project as ours: it is when the label has the value that the wanted project gives
	// it. Required, and every wanted project must carry it.
	OwnerLabel string
	// CallTimeout is the deadline of each single call, DefaultCallTimeout if zero. A shorter deadline of the caller wins.
	CallTimeout time.Duration
	// DialOptions come last and win over the client's own.
	DialOptions []grpc.DialOption
}

// Client is one shared channel to Flyte. It is safe for concurrent use and reconnects by itself.
type Client struct {
	conn          *grpc.ClientConn
	wanted, other server
	transport     *transport // nil without TLS
	ownerLabel    string
	breaker       *gobreaker.CircuitBreaker[bool]
	// broke is the newest error that the breaker counted.
	broke atomic.Pointer[error]
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
		if c.transport, err = newTransport(o.TLS); err != nil {
			return err
		}
		creds = c.transport
	}
	interceptors := []grpc.UnaryClientInterceptor{withTimeout(cmp.Or(o.CallTimeout, DefaultCallTimeout))}
	var authority *tokens
	if o.Credentials != nil {
		if o.TLS == nil {
			return errors.New("client credentials are sent over TLS only")
		}
		authority = &tokens{credentials: *o.Credentials, client: o.TLS.tokenClient, turn: make(chan struct{}, 1)}
		interceptors = append(interceptors, authority.interceptor())
	}
	options := append(dialOptions(creds), grpc.WithChainUnaryInterceptor(interceptors...))
	if c.conn, err = grpc.NewClient(o.Endpoint, append(options, o.DialOptions...)...); err != nil {
		return err
	}
	if authority != nil {
		authority.discover = (&discovery{conn: c.conn, api: o.API, credentials: *o.Credentials}).discover
	}
	if c.wanted, c.other, err = servers(o.API, c.conn); err != nil {
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
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)),
	}
}

// withTimeout gives every call its deadline, so that none can be forgotten.
func withTimeout(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return invoke(ctx, method, request, answer, conn, options...)
	}
}

// Close ends the channel. Calls under way fail, later ones too.
func (c *Client) Close() error {
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("closing the channel to Flyte: %w", err)
	}
	return nil
}
