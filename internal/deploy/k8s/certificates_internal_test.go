package k8s

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// TestCertificates reads the client's certificate, which comes before a chain of others, and the server's.
func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	expires := time.Now().AddDate(0, 0, 9).UTC().Truncate(time.Second)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: expires}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	must(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	authority := encode("CERTIFICATE", server.Certificate().Raw)
	target := &Target{config: &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{
		CAData: authority, CertData: append(encode("CERTIFICATE", leaf), authority...), KeyData: encode("PRIVATE KEY", key),
	}}}
	want := []deploy.Certificate{{Name: "kubeconfig", Expires: expires}, {Name: "API server", Expires: server.Certificate().NotAfter}}
	got, err := target.Certificates(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func encode(kind string, text []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: text})
}
