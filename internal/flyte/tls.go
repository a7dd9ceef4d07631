package flyte

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
)

// PEM returns the current PEM text of certificates or of a key.
type PEM func() ([]byte, error)

// TLS configures whom the client trusts and how it identifies itself. Every handshake reads everything again, so a replaced
// certificate takes effect with the next connection. If it can't be read, the last good configuration stays in force.
type TLS struct {
	// CA replaces the system's roots, unless it is nil.
	CA PEM
	// Certificate and Key are the client's own, for mutual TLS. Set both or neither.
	Certificate, Key PEM
}

func (t *TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != nil {
		config.RootCAs = x509.NewCertPool()
		if err := t.addCA(config.RootCAs); err != nil {
			return nil, err
		}
	}
	if t.Certificate == nil {
		return config, nil
	}
	pair, err := t.keyPair()
	if err != nil {
		return nil, err
	}
	// The certificate is sent even if the server does not name its CA: if the server refuses it, its error says why.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

func (t *TLS) addCA(pool *x509.CertPool) error {
	text, err := t.CA()
	if err != nil {
		return fmt.Errorf("reading the CA certificate: %w", err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("the CA certificate holds no PEM certificate")
	}
	return nil
}

func (t *TLS) keyPair() (tls.Certificate, error) {
	certificate, err := t.Certificate()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the client certificate: %w", err)
	}
	key, err := t.Key()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the client key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pairing the client certificate with its key: %w", err)
	}
	return pair, nil
}

// certificateError returns the kind of error for a server certificate that was not accepted, nil for any other error.
func certificateError(err error) error {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return ErrCertificateExpired
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ErrCertificateName
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ErrCertificateUntrusted
	}
	return nil
}

// tlsCredentials are the transport credentials of the connection. They keep the error of the last handshake as a value: gRPC has it
// only in the text of a message.
type tlsCredentials struct {
	*TLS
	lastGood  *atomic.Pointer[tls.Config]
	lastError *atomic.Pointer[error]
}

func newTLSCredentials(t *TLS) (*tlsCredentials, error) {
	config, err := t.config()
	if err != nil {
		return nil, err
	}
	c := &tlsCredentials{TLS: t, lastGood: &atomic.Pointer[tls.Config]{}, lastError: &atomic.Pointer[error]{}}
	c.lastGood.Store(config)
	return c, nil
}

// handshakeError returns the kind of the last handshake's error, nil if the last connection works.
func (c *tlsCredentials) handshakeError() error {
	if c == nil {
		return nil
	}
	if err := c.lastError.Load(); err != nil {
		return *err
	}
	return nil
}

// record keeps the kind of a handshake's error. If the server asked for a client certificate before it closed the connection, it did
// not accept the one that it got.
func (c *tlsCredentials) record(err error, certificateRequested *atomic.Bool) {
	kind := certificateError(err)
	if kind == nil && certificateRequested.Load() && !errors.Is(err, net.ErrClosed) && !errors.Is(err, context.Canceled) {
		kind = ErrClientCertificate
	}
	if kind != nil {
		c.lastError.Store(&kind)
	}
}

// ClientHandshake implements credentials.TransportCredentials.
func (c *tlsCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if config, err := c.config(); err == nil {
		c.lastGood.Store(config)
	}
	requested := &atomic.Bool{}
	secured, info, err := credentials.NewTLS(recordingTLS(c.lastGood.Load(), requested)).ClientHandshake(ctx, authority, raw)
	if err != nil {
		c.record(err, requested)
		return nil, nil, err
	}
	return &conn{Conn: secured, credentials: c, certificateRequested: requested}, info, nil
}

// recordingTLS returns the configuration of one handshake, which records whether the server requests a client certificate.
func recordingTLS(config *tls.Config, certificateRequested *atomic.Bool) *tls.Config {
	config = config.Clone()
	certificate := config.GetClientCertificate
	config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificateRequested.Store(true)
		if certificate == nil {
			return &tls.Certificate{}, nil // none
		}
		return certificate(info)
	}
	return config
}

// ServerHandshake implements credentials.TransportCredentials, for clients only.
func (*tlsCredentials) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these are client credentials")
}

// Info implements credentials.TransportCredentials.
func (*tlsCredentials) Info() credentials.ProtocolInfo { return credentials.NewTLS(nil).Info() }

// Clone implements credentials.TransportCredentials. The clone shares the last handshake's error.
func (c *tlsCredentials) Clone() credentials.TransportCredentials { return new(*c) }

// OverrideServerName implements credentials.TransportCredentials. The name is always the endpoint's.
func (*tlsCredentials) OverrideServerName(string) error {
	return errors.New("the server name is always the endpoint's")
}

// conn is a connection whose handshake the client has completed. With TLS 1.3 the server may still refuse the client's certificate: it
// then closes the connection before it sends any data.
type conn struct {
	net.Conn

	credentials          *tlsCredentials
	certificateRequested *atomic.Bool
	gotData              atomic.Bool
}

func (c *conn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	if err == nil && !c.gotData.Swap(true) {
		c.credentials.lastError.Store(nil)
	}
	return n, c.recorded(err)
}

func (c *conn) Write(buffer []byte) (int, error) {
	n, err := c.Conn.Write(buffer)
	return n, c.recorded(err)
}

func (c *conn) recorded(err error) error {
	if err != nil && !c.gotData.Load() {
		c.credentials.record(err, c.certificateRequested)
	}
	return err
}
