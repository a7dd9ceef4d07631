package webhook

import (
	"crypto/tls"
	"net"
	"net/http"
)

// Certificate gives the certificate for a handshake, always the newest.
type Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// Encrypt makes a server speak TLS, and HTTP/2 to those who want it, on what it accepts from the listener that it returns.
func Encrypt(s *http.Server, l net.Listener, certificate Certificate) net.Listener {
	s.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: certificate,
		CipherSuites: []uint16{ // of TLS 1.2: forward secrecy and authenticated encryption, or none
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
	return tls.NewListener(l, s.TLSConfig)
}
