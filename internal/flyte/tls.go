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

// PEM gives a text of certificates or of a key, as it is now.
type PEM func() ([]byte, error)

// TLS says whom the client trusts, and who it is. Everything is read again at every handshake, so that what was replaced counts
// from the next connection on; what can't be read then leaves the last good in force.
type TLS struct {
	// CA replaces the system's roots, unless it is nil.
	CA PEM
	// Certificate and Key are the client's own, for mutual TLS. Both or none.
	Certificate, Key PEM
}

// config reads everything.
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
	pair, err := t.pair()
	if err != nil {
		return nil, err
	}
	// The pair is sent whatever authorities the server names: its refusal says more than its missing a certificate.
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

func (t *TLS) pair() (tls.Certificate, error) {
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

// transport are the credentials of the channel. They remember why the newest connection did not come about, which gRPC tells in
// the words of a message only.
type transport struct {
	*TLS
	good   *atomic.Pointer[tls.Config]
	reason *atomic.Pointer[error]
}

func newTransport(t *TLS) (*transport, error) {
	config, err := t.config()
	if err != nil {
		return nil, err
	}
	made := &transport{TLS: t, good: &atomic.Pointer[tls.Config]{}, reason: &atomic.Pointer[error]{}}
	made.good.Store(config)
	return made, nil
}

// why is one of the kinds, or nil while the newest connection works.
func (t *transport) why() error {
	if t == nil {
		return nil
	}
	if reason := t.reason.Load(); reason != nil {
		return *reason
	}
	return nil
}

// note remembers why a connection did not come about. asked: the server wanted a certificate of ours before it broke off.
func (t *transport) note(err error, asked *atomic.Bool) {
	kind := handshakeKind(err)
	if kind == nil && asked.Load() && !errors.Is(err, net.ErrClosed) && !errors.Is(err, context.Canceled) {
		kind = ErrClientCertificate
	}
	if kind != nil {
		t.reason.Store(&kind)
	}
}

// ClientHandshake is of credentials.TransportCredentials.
func (t *transport) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if config, err := t.config(); err == nil {
		t.good.Store(config)
	}
	asked := &atomic.Bool{}
	conn, info, err := credentials.NewTLS(noting(t.good.Load(), asked)).ClientHandshake(ctx, authority, raw)
	if err != nil {
		t.note(err, asked)
		return nil, nil, err
	}
	return &watched{Conn: conn, transport: t, asked: asked}, info, nil
}

// noting is the configuration of one handshake, which notes whether the server asks for a certificate.
func noting(config *tls.Config, asked *atomic.Bool) *tls.Config {
	config = config.Clone()
	show := config.GetClientCertificate
	config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked.Store(true)
		if show == nil {
			return &tls.Certificate{}, nil // none
		}
		return show(info)
	}
	return config
}

// ServerHandshake is of credentials.TransportCredentials; the client is no server.
func (*transport) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these are the credentials of a client")
}

// Info is of credentials.TransportCredentials.
func (*transport) Info() credentials.ProtocolInfo { return credentials.NewTLS(nil).Info() }

// Clone is of credentials.TransportCredentials. The clone shares what is remembered.
func (t *transport) Clone() credentials.TransportCredentials { return new(*t) }

// OverrideServerName is of credentials.TransportCredentials; the name is always that of the endpoint.
func (*transport) OverrideServerName(string) error {
	return errors.New("the server's name is that of the endpoint")
}

// watched is a connection whose handshake went well for us. In TLS 1.3 the server may still refuse our certificate: it then breaks
// off before its first word.
type watched struct {
	net.Conn

	transport *transport
	asked     *atomic.Bool
	heard     atomic.Bool
}

func (w *watched) Read(buffer []byte) (int, error) {
	n, err := w.Conn.Read(buffer)
	if err == nil && !w.heard.Swap(true) {
		w.transport.reason.Store(nil)
	}
	return n, w.noted(err)
}

func (w *watched) Write(buffer []byte) (int, error) {
	n, err := w.Conn.Write(buffer)
	return n, w.noted(err)
}

func (w *watched) noted(err error) error {
	if err != nil && !w.heard.Load() {
		w.transport.note(err, w.asked)
	}
	return err
}

// handshakeKind is what an error of a TLS connection says of the server's certificate, or nil.
func handshakeKind(err error) error {
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
