package signature

import "errors"

// ErrInvalid matches every error of [Verifier.Verify] under [errors.Is]. All of them have its text, which does not reveal the
// cause and is safe to show to the sender.
var ErrInvalid = errors.New("webhook signature is missing, wrong or expired")

// Error is the refusal of one request. It wraps [ErrInvalid].
type Error struct {
	// Reason is for our own logs and metrics. It must not reach the sender, whom it would help to probe.
	Reason Reason
}

// Error returns the text of [ErrInvalid].
func (*Error) Error() string { return ErrInvalid.Error() }

// Unwrap returns [ErrInvalid].
func (*Error) Unwrap() error { return ErrInvalid }

// Reason is why a request was refused: one of the constants below, never text from the request.
type Reason string

// The reasons of a refusal, in the order in which they are checked.
const (
	// ReasonMissingHeader: one of the three headers is absent or empty.
	ReasonMissingHeader Reason = "missing_header"
	// ReasonRepeatedHeader: one of the headers was sent more than once.
	ReasonRepeatedHeader Reason = "repeated_header"
	// ReasonConflictingHeaders: a webhook-* header and its svix-* alias have different values.
	ReasonConflictingHeaders Reason = "conflicting_headers"
	// ReasonInvalidID: the id does not satisfy [ValidID].
	ReasonInvalidID Reason = "invalid_id"
	// ReasonInvalidTimestamp: the timestamp is not 1 to 12 decimal digits.
	ReasonInvalidTimestamp Reason = "invalid_timestamp"
	// ReasonStaleTimestamp: the timestamp is older than the tolerance.
	ReasonStaleTimestamp Reason = "stale_timestamp"
	// ReasonFutureTimestamp: the timestamp is further ahead than the tolerance.
	ReasonFutureTimestamp Reason = "future_timestamp"
	// ReasonNoUsableSignature: no signature is both well formed and of a version for which a key is configured.
	ReasonNoUsableSignature Reason = "no_usable_signature"
	// ReasonNoMatchingSignature: there are usable signatures, and no configured key made one over this request.
	ReasonNoMatchingSignature Reason = "no_matching_signature"
)

// Reasons returns every [Reason], for metrics that want all their label values from the start.
func Reasons() []Reason {
	return []Reason{
		ReasonMissingHeader, ReasonRepeatedHeader, ReasonConflictingHeaders, ReasonInvalidID, ReasonInvalidTimestamp,
		ReasonStaleTimestamp, ReasonFutureTimestamp, ReasonNoUsableSignature, ReasonNoMatchingSignature,
	}
}

// valid is the Reason of a request that is not refused.
const valid Reason = ""
