// Package flyte puts FlyteAdmin behind one small declarative client: a caller says what project it wants, the client looks and
// writes only what differs. Every call can be repeated without harm, none outlives its deadline, and every error is one of four
// kinds (see errors.go), so that callers never see a gRPC code.
//
// It speaks flyteidl.service.AdminService of Flyte 1 (flyteidl v1.16). Rules that come from FlyteAdmin name the file of
// github.com/flyteorg/flyte that sets them.
package flyte

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
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
	maxAnswerBytes = 4 << 20
	maxHeaderBytes = 64 << 10

	// A server of grpc-go closes a connection that is pinged more often than every five minutes. Calls are shorter than that, so
	// what finds a dead peer is TCP_USER_TIMEOUT, which gRPC sets to the timeout wherever keepalive is on.
	keepaliveTime    = 6 * time.Minute
	keepaliveTimeout = 10 * time.Second

	// gRPC's own maximum is two minutes, too long to notice that Flyte is back.
	maxReconnectDelay = 5 * time.Second

	// One service name may stand for several replicas (a headless Service).
	roundRobin = `{"loadBalancingConfig":[{"round_robin":{}}]}`
)

// Options say where Flyte is and how to tell our projects from those of others.
type Options struct {
	// Endpoint is the host:port of FlyteAdmin's gRPC, or any gRPC target. Required.
	Endpoint string
	// TLS encrypts the channel and verifies the server.
	TLS bool
	// CACert, PEM, replaces the system's roots. Only with TLS.
	CACert []byte
	// OwnerLabel is the label key that marks a project as ours: it is when the label has the value that the wanted project gives
	// it. Required, and every wanted project must carry it.
	OwnerLabel string
	// CallTimeout is the deadline of each single call, DefaultCallTimeout if zero. A shorter deadline of the caller wins.
	CallTimeout time.Duration
	// DialOptions come last and win over the client's own.
	DialOptions []grpc.DialOption
}

// Client is one shared channel to FlyteAdmin. It is safe for concurrent use and reconnects by itself.
type Client struct {
	conn       *grpc.ClientConn
	admin      service.AdminServiceClient
	ownerLabel string
	breaker    *gobreaker.CircuitBreaker[bool]
}

// New makes a client. It does not dial: an unreachable Flyte shows at the first call.
func New(o Options) (*Client, error) {
	if o.Endpoint == "" || o.OwnerLabel == "" {
		return nil, errors.New("making a Flyte client: endpoint and owner label are required")
	}
	creds, err := o.credentials()
	if err != nil {
		return nil, fmt.Errorf("making a Flyte client: %w", err)
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	options := append(dialOptions(creds), grpc.WithChainUnaryInterceptor(withTimeout(o.CallTimeout)))
	conn, err := grpc.NewClient(o.Endpoint, append(options, o.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("making a Flyte client: %w", err)
	}
	return &Client{conn: conn, admin: service.NewAdminServiceClient(conn), ownerLabel: o.OwnerLabel, breaker: newBreaker()}, nil
}

func (o Options) credentials() (credentials.TransportCredentials, error) {
	if !o.TLS {
		if len(o.CACert) > 0 {
			return nil, errors.New("a CA certificate is given but TLS is off")
		}
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.CACert) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(o.CACert) {
			return nil, errors.New("the CA certificate holds no PEM certificate")
		}
	}
	return credentials.NewTLS(config), nil
}

func dialOptions(creds credentials.TransportCredentials) []grpc.DialOption {
	retry := backoff.DefaultConfig
	retry.MaxDelay = maxReconnectDelay
	return []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithUserAgent("workspace-flyte-integration"),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultServiceConfig(roundRobin),
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

// Version tells FlyteAdmin's own version, as its build names it. It needs no rights beyond reaching Flyte, so it also answers
// whether Flyte is there.
func (c *Client) Version(ctx context.Context) (string, error) {
	answer, err := c.admin.GetVersion(ctx, &admin.GetVersionRequest{})
	if err != nil {
		return "", failure(ctx, "reading the version of Flyte", err)
	}
	return printable(answer.GetControlPlaneVersion().GetVersion()), nil
}

// Close ends the channel. Calls under way fail, later ones too.
func (c *Client) Close() error {
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("closing the channel to Flyte: %w", err)
	}
	return nil
}
