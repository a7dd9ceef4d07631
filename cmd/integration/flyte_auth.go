package main

import (
	"errors"
	"strings"
	"unicode"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/netguard"
)

// checkFlyteTLS never repeats a value: a key may be where a file's name should be.
func (c *config) checkFlyteTLS(found problems) {
	if !c.FlyteAdminTLSEnabled {
		checkUnused(found, "FLYTE_ADMIN_TLS_ENABLED=true", map[string]string{
			"FLYTE_ADMIN_CA_CERT": c.FlyteAdminCACert, "FLYTE_ADMIN_CLIENT_CERT": c.FlyteAdminClientCert, "FLYTE_CLIENT_ID": c.FlyteClientID,
		})
	}
	if _, err := loadCA(c.FlyteAdminCACert); err != nil {
		found.add("FLYTE_ADMIN_CA_CERT", "%s", err)
	}
	checkClientPair(found, "FLYTE_ADMIN_CLIENT", c.FlyteAdminClientCert, c.FlyteAdminClientKey)
}

// checkFlyteCredentials never repeats a value either.
func (c *config) checkFlyteCredentials(found problems) {
	if c.FlyteClientID == "" {
		checkUnused(found, "FLYTE_CLIENT_ID", map[string]string{
			"FLYTE_TOKEN_URL": c.FlyteTokenURL, "FLYTE_SCOPES": c.FlyteScopes,
			"FLYTE_CLIENT_SECRET": c.FlyteClientSecret, "FLYTE_CLIENT_SECRET_FILE": c.FlyteClientSecretAt,
		})
		return
	}
	checkSecret(found, "FLYTE_CLIENT_SECRET", c.FlyteClientSecret, c.FlyteClientSecretAt, func() error {
		if text, err := c.clientSecret(); err != nil || text == "" {
			return errors.New("must be a file that can be read and is not empty")
		}
		return nil
	})
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
		CA: pemSource(c.FlyteAdminCACert), Certificate: pemSource(c.FlyteAdminClientCert), Key: pemSource(c.FlyteAdminClientKey),
	}
}

// flyteCredentials are nil without FLYTE_CLIENT_ID.
func (c *config) flyteCredentials() *flyte.ClientCredentials {
	if c.FlyteClientID == "" {
		return nil
	}
	isSeparator := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	return &flyte.ClientCredentials{
		ID: c.FlyteClientID, Secret: c.clientSecret, TokenURL: c.FlyteTokenURL, Scopes: strings.FieldsFunc(c.FlyteScopes, isSeparator),
	}
}

// clientSecret returns the secret as it is now.
func (c *config) clientSecret() (string, error) {
	return loadSecret(c.FlyteClientSecret, c.FlyteClientSecretAt, func(text string) (string, error) { return strings.TrimSpace(text), nil })
}
