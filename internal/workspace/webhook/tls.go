package webhook

import (
	"crypto/tls"
	"net"
	"net/http"
)

// Certificate returns the newest certificate, for one handshake.
type Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// ListenTLS configures a server for TLS and HTTP/2, and returns the listener that it must serve.
func ListenTLS(s *http.Server, l net.Listener, certificate Certificate) net.Listener {
	s.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: certificate,
		CipherSuites: []uint16{ // for TLS 1.2: only those with forward secrecy and authenticated encryption
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
	return tls.NewListener(l, s.TLSConfig)
}
