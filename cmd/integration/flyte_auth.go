package main

import (
	"crypto/x509"
	"strings"
	"unicode"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/secretfile"
)

// checkFlyteTLS never repeats a value: a key may stand where a file's name should.
func (c *config) checkFlyteTLS(found problems) {
	for variable, value := range map[string]string{
		"FLYTE_ADMIN_CA_CERT": c.FlyteAdminCACert, "FLYTE_ADMIN_CLIENT_CERT": c.FlyteAdminClientCert, "FLYTE_CLIENT_ID": c.FlyteClientID,
	} {
		if value != "" && !c.FlyteAdminTLSEnabled {
			found.add(variable, "is of no use without FLYTE_ADMIN_TLS_ENABLED=true")
		}
	}
	if c.FlyteAdminCACert != "" {
		text, err := pemText(c.FlyteAdminCACert)()
		if err != nil || !x509.NewCertPool().AppendCertsFromPEM(text) {
			found.add("FLYTE_ADMIN_CA_CERT", "must be certificates as PEM text, or a file with them that can be read")
		}
	}
	checkClientPair(found, "FLYTE_ADMIN_CLIENT", c.FlyteAdminClientCert, c.FlyteAdminClientKey)
}

// checkFlyteCredentials never repeats a value either.
func (c *config) checkFlyteCredentials(found problems) {
	if c.FlyteClientID == "" {
		for variable, value := range map[string]string{
			"FLYTE_TOKEN_URL": c.FlyteTokenURL, "FLYTE_SCOPES": c.FlyteScopes,
			"FLYTE_CLIENT_SECRET": c.FlyteClientSecret, "FLYTE_CLIENT_SECRET_FILE": c.FlyteClientSecretAt,
		} {
			if value != "" {
				found.add(variable, "is of no use without FLYTE_CLIENT_ID")
			}
		}
		return
	}
	switch {
	case c.FlyteClientSecret == "" && c.FlyteClientSecretAt == "":
		found.add("FLYTE_CLIENT_SECRET", "is required with FLYTE_CLIENT_ID, or FLYTE_CLIENT_SECRET_FILE")
	case c.FlyteClientSecret != "" && c.FlyteClientSecretAt != "":
		found.add("FLYTE_CLIENT_SECRET", "must not be set together with FLYTE_CLIENT_SECRET_FILE")
	case c.FlyteClientSecretAt != "":
		if text, err := c.clientSecret(); err != nil || text == "" {
			found.add("FLYTE_CLIENT_SECRET_FILE", "must be a file that can be read and is not empty")
		}
	}
}

func (c *config) checkFlyteTokenURL(found problems) {
	if c.FlyteTokenURL == "" {
		return
	}
	if _, err := netguard.ParseEndpoint(c.FlyteTokenURL); err != nil {
		found.add("FLYTE_TOKEN_URL", "%s", err)
	}
}

// flyteTLS is nil without TLS.
func (c *config) flyteTLS() *flyte.TLS {
	if !c.FlyteAdminTLSEnabled {
		return nil
	}
	return &flyte.TLS{
		CA: pemText(c.FlyteAdminCACert), Certificate: pemText(c.FlyteAdminClientCert), Key: pemText(c.FlyteAdminClientKey),
	}
}

// flyteCredentials are nil where the service shows none.
func (c *config) flyteCredentials() *flyte.ClientCredentials {
	if c.FlyteClientID == "" {
		return nil
	}
	between := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	return &flyte.ClientCredentials{
		ID: c.FlyteClientID, Secret: c.clientSecret, TokenURL: c.FlyteTokenURL, Scopes: strings.FieldsFunc(c.FlyteScopes, between),
	}
}

// clientSecret is read from its file each time it is asked for.
func (c *config) clientSecret() (string, error) {
	if c.FlyteClientSecretAt == "" {
		return c.FlyteClientSecret, nil
	}
	text, err := secretfile.Read(c.FlyteClientSecretAt)
	return strings.TrimSpace(string(text)), err
}

// pemText is PEM text itself, or the content of the file of that name, read each time; nil for an empty value.
func pemText(value string) flyte.PEM {
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
