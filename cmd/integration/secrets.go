package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/secretfile"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// checkSecret requires either the variable or VARIABLE_FILE, and reports why load fails.
func checkSecret(found problems, variable, text, file string, load func() error) {
	switch {
	case text == "" && file == "":
		found.add(variable, "is required, or %s_FILE", variable)
	case text != "" && file != "":
		found.add(variable, "must not be set together with %s_FILE", variable)
	case strings.Contains(file, "whsec_") || strings.Contains(file, "whsk_"): // errors of reading it would repeat it
		found.add(variable+"_FILE", "must be a file's path, not a secret itself")
	default:
		if file != "" {
			variable += "_FILE"
		}
		if err := load(); err != nil {
			found.add(variable, "%s", err)
		}
	}
}

// loadSecret parses a secret as it is now.
func loadSecret[T any](text, file string, parse func(string) (T, error)) (value T, err error) {
	if file != "" {
		content, err := secretfile.Read(file)
		if err != nil {
			return value, err
		}
		text = string(content)
	}
	return parse(text)
}

// watchSecret returns a function that returns the current value of a secret. See [secretfile.Watch] for onReload.
func watchSecret[T any](text, file string, parse func(string) (T, error), onReload func(error)) (func() T, error) {
	if file == "" {
		value, err := parse(text)
		return func() T { return value }, err
	}
	watched, err := secretfile.Watch(file, parse, onReload)
	if err != nil {
		return nil, err
	}
	return watched.Current, nil
}

// webhookKeys returns the current keys of webhooks. onLoad is called with each set of keys that becomes current.
func (c *config) webhookKeys(onLoad func(*signature.Keys), onReload func(error)) (func() *signature.Keys, error) {
	parse := func(text string) (*signature.Keys, error) {
		keys, err := signature.ParseKeys(text)
		if err == nil && keys.Overlaps(c.outbound()) {
			return nil, errors.New("shares a secret with those of the workspace service: the two directions need secrets of their own")
		}
		if err == nil {
			onLoad(keys)
		}
		return keys, err
	}
	keys, err := watchSecret(c.WebhookSecret, c.WebhookSecretFile, parse, onReload)
	if err != nil {
		return nil, fmt.Errorf("reading the webhook secrets: %w", err)
	}
	return keys, nil
}

// parseSigner refuses secrets that webhooks are signed with: each direction could forge the other.
func (c *config) parseSigner(text string) (*signature.Signer, error) {
	signer, err := signature.NewSigner(text)
	if err == nil && signer.Keys().Overlaps(c.inbound()) {
		return nil, errors.New("shares a secret with the webhooks' secrets: the two directions need secrets of their own")
	}
	return signer, err
}

// inbound returns the webhook keys as they are now; none if they can't be read.
func (c *config) inbound() *signature.Keys {
	keys, err := loadSecret(c.WebhookSecret, c.WebhookSecretFile, signature.ParseKeys)
	if err != nil {
		return nil
	}
	return keys
}

// outbound returns the keys of requests to the workspace service as they are now; none if they can't be read.
func (c *config) outbound() *signature.Keys {
	signer, err := loadSecret(c.WorkspaceAPISecret, c.WorkspaceAPISecretFile, signature.NewSigner)
	if err != nil {
		return nil
	}
	return signer.Keys()
}

// bearer is the syntax of a token (RFC 6750, section 2.1).
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

var errToken = errors.New("must be a file with one token: letters, digits and -._~+/=")

func parseToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	if !bearer.MatchString(token) {
		return "", errToken
	}
	return token, nil
}
