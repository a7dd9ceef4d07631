package flyte_test

import (
	"crypto/tls"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// kinds are the finer kinds, of which an error has no other than the expected one.
func kinds() []error {
	return []error{
		flyte.ErrCertificateExpired, flyte.ErrCertificateName, flyte.ErrCertificateUntrusted, flyte.ErrClientCertificate,
		flyte.ErrTokenRefused, flyte.ErrTokenUnavailable,
	}
}

func wantKind(t *testing.T, want, err error) {
	t.Helper()
	if want == nil && err == nil {
		return
	}
	for _, kind := range kinds() {
		if errors.Is(err, kind) != errors.Is(want, kind) {
			t.Errorf("error is %v, want %v", err, want)
			return
		}
	}
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func TestClient_ClassifiesCertificateErrors(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	tests := map[string]struct {
		server *tls.Config
		ca     flyte.PEM
		want   error
	}{
		"good":             {ours.server(t, leaf{}), text(ours.pem()), nil},
		"expired":          {ours.server(t, leaf{expired: true}), text(ours.pem()), flyte.ErrCertificateExpired},
		"another name":     {ours.server(t, leaf{address: "192.0.2.1"}), text(ours.pem()), flyte.ErrCertificateName},
		"another CA":       {other.server(t, leaf{}), text(ours.pem()), flyte.ErrCertificateUntrusted},
		"the system's CAs": {ours.server(t, leaf{}), nil, flyte.ErrCertificateUntrusted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := flytetest.Serve(listenTLS(t, "127.0.0.1:0", test.server))
			t.Cleanup(server.Stop)
			client := newClient(t, flyte.Options{Endpoint: server.Addr(), TLS: &flyte.TLS{CA: test.ca}})
			version, versionErr := client.Version(t.Context())
			wantKind(t, test.want, versionErr)
			for range 7 { // beyond the circuit breaker, too
				_, err := client.EnsureProject(t.Context(), newProject("ws-1"))
				wantKind(t, test.want, err)
			}
			if test.want == nil && version != flytetest.Version {
				t.Errorf("the version is %q", version)
			}
		})
	}
}

func TestClient_SendsItsCertificate(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	pairOf := func(a authority, l leaf) *flyte.TLS {
		certificate, key := a.pair(t, l)
		return &flyte.TLS{CA: text(ours.pem()), Certificate: text(certificate), Key: text(key)}
	}
	tests := map[string]struct {
		tls  *flyte.TLS
		want error
	}{
		"good":       {pairOf(ours, leaf{}), nil},
		"none":       {&flyte.TLS{CA: text(ours.pem())}, flyte.ErrClientCertificate},
		"expired":    {pairOf(ours, leaf{expired: true}), flyte.ErrClientCertificate},
		"another CA": {pairOf(other, leaf{}), flyte.ErrClientCertificate},
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, test := range tests {
			t.Run(tls.VersionName(version)+" "+name, func(t *testing.T) {
				t.Parallel()
				config := ours.server(t, leaf{})
				config.MaxVersion, config.ClientAuth, config.ClientCAs = version, tls.RequireAndVerifyClientCert, ours.pool()
				server := flytetest.Serve(listenTLS(t, "127.0.0.1:0", config))
				t.Cleanup(server.Stop)
				client := newClient(t, flyte.Options{Endpoint: server.Addr(), TLS: test.tls})
				for range 3 {
					_, err := client.Version(t.Context())
					wantKind(t, test.want, err)
				}
			})
		}
	}
}

// TestClient_RereadsCertificates replaces every certificate of client and server while the client is in use.
func TestClient_RereadsCertificates(t *testing.T) {
	t.Parallel()
	before, after := newAuthority(t), newAuthority(t)
	type files struct{ ca, certificate, key []byte }
	issue := func(a authority) *files {
		certificate, key := a.pair(t, leaf{})
		return &files{a.pem(), certificate, key}
	}
	var current atomic.Pointer[files]
	current.Store(issue(before))
	reading := func(part func(*files) []byte) flyte.PEM {
		return func() ([]byte, error) {
			now := current.Load()
			if now == nil {
				return nil, os.ErrNotExist
			}
			return part(now), nil
		}
	}
	serve := func(a authority, address string) *flytetest.Server {
		config := a.server(t, leaf{})
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
		server := flytetest.Serve(listenTLS(t, address, config))
		t.Cleanup(server.Stop)
		return server
	}
	server := serve(before, "127.0.0.1:0")
	client := newClient(t, flyte.Options{Endpoint: server.Addr(), TLS: &flyte.TLS{
		CA:          reading(func(f *files) []byte { return f.ca }),
		Certificate: reading(func(f *files) []byte { return f.certificate }),
		Key:         reading(func(f *files) []byte { return f.key }),
	}})
	await := func(want error) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for {
			_, err := client.Version(t.Context())
			if errors.Is(err, want) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("error is %v, want %v", err, want)
			}
		}
	}
	await(nil)
	restart := func(a authority) {
		address := server.Addr()
		server.Stop()
		server = serve(a, address)
	}
	current.Store(nil) // unreadable: the last good configuration stays in force
	restart(before)
	await(nil)
	restart(after)
	await(flyte.ErrCertificateUntrusted)
	current.Store(issue(after))
	await(nil)
	server.Stop() // the former certificate error must not be reported now
	await(flyte.ErrUnavailable)
	_, err := client.Version(t.Context())
	wantKind(t, flyte.ErrUnavailable, err)
}

func TestNew_RefusesBadCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	certificate, _ := ca.pair(t, leaf{})
	_, key := ca.pair(t, leaf{})
	missing := func() ([]byte, error) { return nil, os.ErrNotExist }
	for name, o := range map[string]flyte.TLS{
		"CA not PEM":          {CA: text([]byte("x"))},
		"no CA":               {CA: missing},
		"no certificate":      {Certificate: missing, Key: text(key)},
		"no key":              {Certificate: text(certificate), Key: missing},
		"the key of another":  {Certificate: text(certificate), Key: text(key)},
		"a key for a CA cert": {CA: text(key)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := flyte.New(flyte.Options{Endpoint: "localhost:81", OwnerLabel: ownerLabel, TLS: &o}); err == nil {
				t.Error("no error")
			}
		})
	}
}
