package signature

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of the spec ("Webhook headers") and Svix's aliases, in the canonical form of net/http.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"

	aliasID        = "Svix-Id"
	aliasTimestamp = "Svix-Timestamp"
	aliasSignature = "Svix-Signature"
)

// headers are the three headers of a request, not yet verified.
type headers struct {
	id         string
	timestamp  string // as sent
	signedAt   time.Time
	signatures string // separated by spaces
}

func readHeaders(header http.Header) (h headers, reason Reason) {
	for _, read := range [...]struct {
		name, alias string
		into        *string
	}{
		{headerID, aliasID, &h.id},
		{headerTimestamp, aliasTimestamp, &h.timestamp},
		{headerSignature, aliasSignature, &h.signatures},
	} {
		if *read.into, reason = singleValue(header[read.name], header[read.alias]); reason != valid {
			return headers{}, reason
		}
	}
	if !ValidID(h.id) {
		return headers{}, ReasonInvalidID
	}
	seconds, ok := parseTimestamp(h.timestamp)
	if !ok {
		return headers{}, ReasonInvalidTimestamp
	}
	h.signedAt = time.Unix(seconds, 0).UTC()
	return h, valid
}

// singleValue returns the one value of a header that was sent under its name, its alias, or equally under both.
func singleValue(values, aliased []string) (string, Reason) {
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
	return values[0], valid
}

// parseTimestamp reads Unix seconds: decimal digits, without the sign that strconv accepts.
func parseTimestamp(text string) (seconds int64, ok bool) {
	if len(text) > maxTimestampDigits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return seconds, err == nil
}
