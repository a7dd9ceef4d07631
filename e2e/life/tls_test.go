package life

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// TestCertificateIsReadAgain replaces the files of the certificate: new connections see the new one, the old connection
// stays open, and files that don't belong together change nothing.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	dir := t.TempDir()
	first := writePair(t, dir, 1)
	replica, err := env.Service.Replica(t.Context(), "tls-"+strings.ToLower(rand.Text()))
	harness.Must(t, err)
	replica.Set("TLS_CERT_FILE", filepath.Join(dir, "tls.crt"))
	replica.Set("TLS_KEY_FILE", filepath.Join(dir, "tls.key"))
	harness.Must(t, replica.Launch())
	defer replica.Stop()
	old := trusting(t, first)
	harness.Eventually(t, "the replica to be ready", func(ctx context.Context) bool { return isReady(ctx, old, replica) == 1 })

	second := writePair(t, dir, 2)
	harness.Eventually(t, "the second certificate", func(ctx context.Context) bool { return isReady(ctx, trusting(t, second), replica) == 2 })
	if serial := isReady(t.Context(), old, replica); serial != 1 {
		t.Errorf("the connection that was open is gone: certificate %d", serial)
	}
	const failures = "certwatcher_read_certificate_errors_total"
	before, err := replica.Measure(t.Context())
	harness.Must(t, err)
	harness.Must(t, os.WriteFile(filepath.Join(dir, "tls.crt"), []byte("no certificate"), 0o600))
	harness.Eventually(t, "the bad file to be read", func(ctx context.Context) bool {
		now, err := replica.Measure(ctx)
		return err == nil && now.Sum(failures) > before.Sum(failures)
	})
	if serial := isReady(t.Context(), trusting(t, second), replica); serial != 2 {
		t.Errorf("after a bad file: certificate %d", serial)
	}
	third := writePair(t, dir, 3)
	harness.Eventually(t, "the third certificate", func(ctx context.Context) bool { return isReady(ctx, trusting(t, third), replica) == 3 })
}

// isReady sends a request over HTTP/2, and returns the serial number of the certificate of the answer; 0 without one.
func isReady(ctx context.Context, client *http.Client, s *service.Service) int64 {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(s.URL, "http:", "https:", 1)+"/readyz", http.NoBody)
	if err != nil {
		return 0
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		return 0
	}
	return answer.TLS.PeerCertificates[0].SerialNumber.Int64()
}

// trusting is a client that trusts one certificate alone.
func trusting(t *testing.T, certificate []byte) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// writePair writes a certificate for 127.0.0.1 and its key as tls.crt and tls.key, each at once, as a Secret's volume does.
func writePair(t *testing.T, dir string, serial int64) (certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, content := range map[string][]byte{
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), "tls.crt": certificate,
	} {
		aside := filepath.Join(dir, "."+name)
		if err := os.WriteFile(aside, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(aside, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return certificate
}
