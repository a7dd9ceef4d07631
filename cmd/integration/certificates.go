package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/secretfile"
)

// No error repeats a value: a key may be where a file's name should be.
var (
	errCA         = errors.New("must be certificates as PEM text, or a file with them that can be read")
	errClientPair = errors.New("must be a certificate and its key as PEM text, or files with them")
	errServerPair = errors.New("must be the files of a certificate and its key, as PEM")
)

// pemSource returns PEM text, or the content of the file with that name as it is now; nil for an empty value.
func pemSource(value string) flyte.PEM {
	if value == "" {
		return nil
	}
	return func() ([]byte, error) {
		if strings.Contains(value, "-----BEGIN") {
			return []byte(value), nil
		}
		return secretfile.Read(value)
	}
}

// loadCA returns the certificates of PEM text or a file; nil, the system's, for an empty value.
func loadCA(value string) (*x509.CertPool, error) {
	if value == "" {
		return nil, nil //nolint:nilnil // see above
	}
	text, err := pemSource(value)()
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		return nil, errCA
	}
	return pool, nil
}

// loadClientPair returns a certificate and its key, each from PEM text or a file.
func loadClientPair(certificate, key string) (tls.Certificate, error) {
	if certificate == "" || key == "" {
		return tls.Certificate{}, errClientPair
	}
	certificatePEM, certificateErr := pemSource(certificate)()
	keyPEM, keyErr := pemSource(key)()
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	if errors.Join(certificateErr, keyErr, err) != nil {
		return tls.Certificate{}, errClientPair
	}
	return pair, nil
}

// checkClientPair checks the variables PREFIX_CERT and PREFIX_KEY.
func checkClientPair(found problems, prefix, certificate, key string) {
	checkPair(found, prefix+"_CERT", certificate, prefix+"_KEY", key, func() error {
		_, err := loadClientPair(certificate, key)
		return err
	})
}

// checkPair requires both variables or none, and reports why load fails.
func checkPair(found problems, certificateName, certificate, keyName, key string, load func() error) {
	switch {
	case certificate == "" && key == "":
	case certificate == "":
		found.add(certificateName, "must be set together with %s", keyName)
	case key == "":
		found.add(keyName, "must be set together with %s", certificateName)
	default:
		if err := load(); err != nil {
			found.add(certificateName, "and %s %s", keyName, err)
		}
	}
}
