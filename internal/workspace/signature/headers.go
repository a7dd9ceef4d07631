package signature

import (
	"net/http"
	"time"
)

// The headers of the spec ("Webhook headers") and their aliases of Svix, in the form in which net/http keeps them.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"

	aliasID        = "Svix-Id"
	aliasTimestamp = "Svix-Timestamp"
	aliasSignature = "Svix-Signature"
)

// claim is what the headers say, not yet verified.
type claim struct {
	id         string
	timestamp  string // as sent
	at         time.Time
	signatures string // space delimited
}

// readClaim takes the claim from the headers of a request.
func readClaim(h http.Header) (claim, Reason) {
	var c claim
	for _, header := range [...]struct {
		name, alias string
		value       *string
	}{
		{headerID, aliasID, &c.id},
		{headerTimestamp, aliasTimestamp, &c.timestamp},
		{headerSignature, aliasSignature, &c.signatures},
	} {
		value, reason := single(h[header.name], h[header.alias])
		if reason != accepted {
			return claim{}, reason
		}
		*header.value = value
	}
	if !ValidID(c.id) {
		return claim{}, ReasonInvalidID
	}
	at, ok := parseTimestamp(c.timestamp)
	if !ok {
		return claim{}, ReasonInvalidTimestamp
	}
	c.at = at
	return c, accepted
}

// single returns the one value of a header that was sent under its name, its alias, or alike under both.
func single(values, aliased []string) (string, Reason) {
	if len(values) > 1 || len(aliased) > 1 {
		return "", ReasonRepeatedHeader
	}
	if len(values) == 1 && len(aliased) == 1 && values[0] != aliased[0] {
		return "", ReasonConflictingHeaders
	}
	if len(values) == 0 {
		values = aliased
	}
	if len(values) == 0 || values[0] == "" {
		return "", ReasonMissingHeader
	}
	return values[0], accepted
}

// parseTimestamp reads Unix seconds. Nothing but digits is taken: strconv would also take a sign.
func parseTimestamp(text string) (time.Time, bool) {
	if text == "" || len(text) > maxTimestampDigits {
		return time.Time{}, false
	}
	var seconds int64
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return time.Time{}, false
		}
		seconds = seconds*10 + int64(digit)
	}
	return time.Unix(seconds, 0).UTC(), true
}
