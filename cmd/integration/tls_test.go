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

// pemPair is a new certificate and its key as PEM text.
func pemPair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

// newPair writes them to files.
func newPair(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	certificate, key := pemPair(t)
	return writeFile(t, "tls.crt", certificate), writeFile(t, "tls.key", key)
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
