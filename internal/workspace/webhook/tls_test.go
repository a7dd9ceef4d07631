package webhook_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// encrypted is an edge behind TLS, and a client that trusts it.
func encrypted(t *testing.T, certificate webhook.Certificate) (e *edge, client *http.Client) {
	t.Helper()
	var server *http.Server
	e = newEdge(t, func(_ *webhook.Options, s *http.Server) { server = s })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure := webhook.NewServer("", server.Handler, webhook.Timeouts{Provision: time.Second}, slog.New(slog.DiscardHandler))
	withoutTimeouts(secure)
	secured := webhook.ListenTLS(secure, listener, certificate)
	go func() { _ = secure.Serve(secured) }()
	t.Cleanup(func() { _ = secure.Close() })
	e.address = listener.Addr().String()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return e, &http.Client{Transport: transport}
}

// example gives a certificate of net/http/httptest.
func example(t *testing.T) tls.Certificate {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates[0]
}

func TestListenTLS_ServesHTTP2WithTheCertificateOfTheMoment(t *testing.T) {
	certificate := example(t)
	var handshakes atomic.Int64
	e, client := encrypted(t, func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		handshakes.Add(1)
		return &certificate, nil
	})
	for i := range 2 {
		r := e.request(t, hooks, "msg_1", ping)
		r.URL.Scheme = "https"
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
			t.Errorf("%s %d: %s", response.Proto, response.StatusCode, body)
		}
		client.CloseIdleConnections()
		if got := int(handshakes.Load()); got != i+1 {
			t.Errorf("the certificate was asked for %d times", got)
		}
	}
}

func TestListenTLS_RefusesWeakTLS(t *testing.T) {
	certificate := example(t)
	e, _ := encrypted(t, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
	tests := map[string]*tls.Config{
		"TLS 1.1": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":     {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}},
		"no forward secrecy": {
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
		},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			config.InsecureSkipVerify = true
			if err := tls.Client(e.connection(t), config).HandshakeContext(t.Context()); err == nil {
				t.Error("the handshake succeeded")
			}
		})
	}
	modern := &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	if err := tls.Client(e.connection(t), modern).HandshakeContext(t.Context()); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	c := e.connection(t)
	_, _ = io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: integration\r\n\r\n")
	if text, _ := io.ReadAll(c); !strings.HasPrefix(string(text), "HTTP/1.0 400 ") {
		t.Errorf("without TLS: %q", text)
	}
}
