package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newPair writes a certificate for 127.0.0.1 and its key.
func newPair(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return writeFile(t, "tls.crt", text("CERTIFICATE", cert)), writeFile(t, "tls.key", text("PRIVATE KEY", secret))
}

func TestConfig_TakesACertificateAndItsKey(t *testing.T) {
	cert, key := newPair(t)
	_, otherKey := newPair(t)
	bad := []string{"TLS_CERT_FILE: and TLS_KEY_FILE must be the files of a certificate and its key, as PEM"}
	tests := map[string]struct {
		cert, key string
		want      []string
	}{
		"a pair":             {cert, key, nil},
		"none":               {"", "", nil},
		"no key":             {cert, "", []string{"TLS_KEY_FILE: must be set together with TLS_CERT_FILE"}},
		"no certificate":     {"", key, []string{"TLS_CERT_FILE: must be set together with TLS_KEY_FILE"}},
		"another's key":      {cert, otherKey, bad},
		"no file":            {"nowhere", key, bad},
		"the texts themself": {certificate, "-----BEGIN PRIVATE KEY-----\nhunter2", bad},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, wrong := newEnvironment(t).load(map[string]string{"TLS_CERT_FILE": test.cert, "TLS_KEY_FILE": test.key})
			if diff := cmp.Diff(test.want, wrong); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
