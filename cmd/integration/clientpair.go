package main

import (
	"crypto/tls"
	"errors"
)

// errClientPair never repeats a value: a key may stand where a file's name should.
var errClientPair = errors.New("must be a certificate and its key as PEM text, or files with them")

// loadClientPair reads what a client shows of itself, a certificate and its key, each as PEM text or the name of a file.
func loadClientPair(certificate, key string) (tls.Certificate, error) {
	if certificate == "" || key == "" {
		return tls.Certificate{}, errClientPair
	}
	certificatePEM, certificateErr := pemText(certificate)()
	keyPEM, keyErr := pemText(key)()
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	if errors.Join(certificateErr, keyErr, err) != nil {
		return tls.Certificate{}, errClientPair
	}
	return pair, nil
}

// checkClientPair looks at the variables PREFIX_CERT and PREFIX_KEY, which are set both or not at all.
func checkClientPair(found problems, prefix, certificate, key string) {
	certificateName, keyName := prefix+"_CERT", prefix+"_KEY"
	switch {
	case certificate == "" && key == "":
	case certificate == "":
		found.add(certificateName, "must be set together with %s", keyName)
	case key == "":
		found.add(keyName, "must be set together with %s", certificateName)
	default:
		if _, err := loadClientPair(certificate, key); err != nil {
			found.add(certificateName, "and %s %s", keyName, err)
		}
	}
}
