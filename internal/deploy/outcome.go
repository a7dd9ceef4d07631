package deploy

import (
	"errors"
	"fmt"
)

// Outcome is how a command ended that did not succeed.
type Outcome int

const (
	// PreflightFailed means that nothing was changed, since something is missing.
	PreflightFailed Outcome = iota + 1
	// Unsupported means that the target can't do that.
	Unsupported
	// RolledBack means that it failed, and that the earlier state was restored.
	RolledBack
	// NotRolledBack means that it failed, and that the earlier state was not restored.
	NotRolledBack
	// Unknown means that contact was lost. The error names the command that finds out.
	Unknown
)

// Error is an error with an outcome.
type Error struct {
	Outcome Outcome
	Err     error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Failf makes an error with an outcome.
func Failf(outcome Outcome, format string, args ...any) error {
	return &Error{Outcome: outcome, Err: fmt.Errorf(format, args...)}
}

// OutcomeOf returns the outcome of an error, or 0 if it is an ordinary one.
func OutcomeOf(err error) Outcome {
	if failed, ok := errors.AsType[*Error](err); ok {
		return failed.Outcome
	}
	return 0
}
